import { ADMIN_TOKEN, adminToken, checkAdminToken } from '../config/admin-token.ts';
import type { Problem } from '../config/problems.ts';
import { type Environment, maskFor } from '../config/secrets.ts';
import { valueFrom } from '../shared/plain.ts';
import type { CommandLine, ValuedFlag } from './command-line.ts';
import { whyUnreached } from './unreached.ts';

/** The flag that says which server a command talks to. */
export const URL_FLAG: ValuedFlag = {
  flag: 'url',
  value: 'URL',
  variables: ['REPRISE_URL'],
  meaning: 'the control plane of the server, http://127.0.0.1:8787 if not said',
};

/** How a server answered, or why it did not. */
export type Reply =
  | { readonly kind: 'answered'; readonly value: unknown }
  /** `status` as the exit status of a command: 2 where what was asked is wrong, 1 for anything else. */
  | { readonly kind: 'failed'; readonly status: 1 | 2; readonly message: string };

/** A server that runs, as commands talk to it: over the control plane, with the admin token of the environment. */
export interface RunningServer {
  /** Sends one call; with a body, as JSON, it is a POST. Never rejects. */
  call(path: string, body?: object): Promise<Reply>;
}

/** The server that a command line and the environment name, or what is wrong with its address or the token. */
export function runningServer({ values }: CommandLine, env: Environment): RunningServer | Problem {
  const flag = values.get(URL_FLAG.flag)?.at(-1);
  const url = flag ?? (env.REPRISE_URL || 'http://127.0.0.1:8787');
  const wrong = (expected: string): Problem => {
    const where = flag === undefined ? 'REPRISE_URL' : '--url';
    return { where, path: '', got: JSON.stringify(maskFor(env)([], url)), expected };
  };
  if (!URL.canParse(url) || !/^https?:\/\/[^@?#]+$/.test(url)) {
    return wrong('a URL such as http://127.0.0.1:8787');
  }
  // What clients are given: whatever is called below it goes to the upstream, and the admin token would.
  if (/\/v1\/*$/.test(url)) return wrong("the server's own URL, without /v1");
  const [problem] = checkAdminToken(env, false);
  if (problem !== undefined) return problem;
  const base = url.replace(/\/+$/, '');
  const token = adminToken(env);
  return { call: (path, body) => call(base, path, body, token) };
}

// Longer than any call of the control plane takes.
const PATIENCE_MS = 60_000;

async function call(
  base: string,
  path: string,
  body: object | undefined,
  token: string | undefined,
): Promise<Reply> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(base + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      // The token is for this server, and for no other one it may name.
      redirect: 'manual',
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    text = await response.text();
  } catch (thrown) {
    return failed(whyUnreached(base, thrown));
  }
  const value = valueFrom(text);
  if (response.ok && value !== undefined) return { kind: 'answered', value };
  const message = errorIn(value);
  if (message === undefined) {
    return failed(`What answers at ${base} is no control plane of Reprise: status ${response.status}.`);
  }
  switch (response.status) {
    case 400:
      return { kind: 'failed', status: 2, message };
    case 401:
      return failed(
        `${message}\nThis command takes it from ${ADMIN_TOKEN} in its own environment${token === undefined ? ', which is not set' : ''}.`,
      );
    default:
      return failed(message);
  }
}

function failed(message: string): Reply {
  return { kind: 'failed', status: 1, message };
}

/** The message of an error in OpenAI's shape. */
function errorIn(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || !('error' in value)) return undefined;
  const { error } = value;
  if (typeof error !== 'object' || error === null || !('message' in error)) return undefined;
  return String(error.message);
}
