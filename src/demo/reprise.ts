import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** Reprise at work in a process of its own. */
export interface Reprise {
  readonly url: string;
  readonly secrets: Secrets;
  /** The keys of all entries that can be served. */
  entries(): Promise<ReadonlySet<string>>;
  /** Rejects, saying why, when the process ends before {@link close} is called; never resolves. */
  readonly died: Promise<never>;
  /** Stops it as an operator would, with SIGTERM. */
  close(): Promise<void>;
}

/** Of its control plane, and of its webhooks by their names. Drawn anew for each. */
export interface Secrets {
  readonly admin: string;
  readonly shopify: string;
  readonly woocommerce: string;
}

/** How to start it. */
export interface RepriseOptions {
  /** The command that serves when `serve` and flags are put behind it, such as `['node', 'src/main.ts']`. */
  readonly command: readonly [string, ...string[]];
  /** The stand-in model with its `/v1`, and the shop. */
  readonly modelUrl: string;
  readonly shopUrl: string;
  /** Where L2 lives. */
  readonly dataDir: string;
  /** The environment to take over, without what would lead the proxy elsewhere. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** Starts Reprise as a user does, on a free port, and waits until it says that it is ready. */
export async function startReprise(options: RepriseOptions): Promise<Reprise> {
  const [program, ...args] = options.command;
  const flags = [
    'serve',
    '--profile',
    PROFILE,
    '--host',
    '127.0.0.1',
    '--port',
    '0',
    '--data',
    options.dataDir,
  ];
  const secrets = { admin: newSecret(), shopify: newSecret(), woocommerce: newSecret() };
  const child = spawn(program, [...args, ...flags], {
    env: environment(options, secrets),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lastWords: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (!/^ +at /.test(line)) lastWords.push(line); // a stack would push out the message above it
    if (lastWords.length > LAST_WORDS) lastWords.shift();
  });
  let closing = false;
  const died = endOf(child).then((status) => {
    if (closing) return new Promise<never>(() => {});
    throw new Error([`Reprise ended with ${status}:`, ...lastWords].join('\n  '));
  });
  died.catch(() => undefined); // read by whoever awaits it; nobody may
  const close = async (): Promise<void> => {
    closing = true;
    await stop(child);
  };
  try {
    const url = await Promise.race([readyLine(child), died, patience(options.signal)]);
    return { url, secrets, died, close, entries: () => entriesAt(url, secrets.admin, options.signal) };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

const PROFILE = fileURLToPath(new URL('../../profiles/catalog.yaml', import.meta.url));
const LAST_WORDS = 12;
const START_MS = 30_000;
const STOP_MS = 5_000;

/** Settings of the user's own Reprise, shop or OpenAI account, and proxies, are none of the demo's business. */
function environment({ env, modelUrl, shopUrl }: RepriseOptions, secrets: Secrets): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !OF_THE_USER.test(name));
  return {
    ...Object.fromEntries(kept),
    CATALOG_MODEL_URL: modelUrl,
    CATALOG_SHOP_URL: shopUrl,
    REPRISE_ADMIN_TOKEN: secrets.admin,
    SHOPIFY_SECRET: secrets.shopify,
    WOOCOMMERCE_SECRET: secrets.woocommerce,
  };
}

const OF_THE_USER =
  /^(REPRISE_.*|OPENAI_.*|CATALOG_.*|SHOPIFY_.*|WOOCOMMERCE_.*|REDIS_URL|https?_proxy|all_proxy)$/i;

function newSecret(): string {
  return randomBytes(24).toString('base64url');
}

async function entriesAt(url: string, token: string, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const keys = new Set<string>();
  let after: string | null = '';
  while (after !== null) {
    const response = await fetch(`${url}/monitoring/cache/entries?limit=1000${after}`, {
      headers: { authorization: `Bearer ${token}` },
      signal,
    });
    const { entries, cursor } = EntriesPage.parse(await response.json());
    for (const { key } of entries) keys.add(key);
    after = cursor === null ? null : `&cursor=${cursor}`;
  }
  return keys;
}

const EntriesPage = z.object({
  entries: z.array(z.object({ key: z.string() })),
  cursor: z.string().nullable(),
});

/** How `child` ended, in words; resolves also when it could not be started. */
function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (status, signal) => resolve(signal ?? `status ${status}`));
  });
}

function readyLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const url = /^reprise ready on (http:\/\/\S+)/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
}

/** Rejects when `signal` is aborted, or after {@link START_MS}. */
async function patience(signal: AbortSignal): Promise<never> {
  const late = AbortSignal.timeout(START_MS);
  const end = AbortSignal.any([signal, late]);
  if (!end.aborted) await once(end, 'abort');
  throw late.aborted ? new Error(`Reprise was not ready within ${START_MS / 1000} s`) : signal.reason;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const impatient = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await gone;
  clearTimeout(impatient);
}
