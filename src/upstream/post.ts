import { messageOf } from '../shared/errors.ts';
import { createUpstreamClient } from './client.ts';

/** What is POSTed, and where to. */
export interface Post {
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** Its owner gives up by a signal; these are for what it would wait for in between. */
const TIMEOUTS = { connect: 10_000, headers: 30_000, idle: 30_000 } as const;
/** Bytes of an answer that are waited for, and not looked at, lest its sender takes the end for a failure. */
const MAX_ANSWER = 64_000;

/**
 * POSTs over a connection of its own, through the environment's proxies, and gives the status of the answer; redirects are not
 * followed. Rejects if there is none before `signal` gives up. Messages name the URL's origin alone: the rest may be a secret.
 */
export async function post(
  { url, headers, body }: Post,
  signal: AbortSignal,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const { origin, pathname, search } = new URL(url);
  const client = createUpstreamClient(TIMEOUTS, env);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let status: number | undefined;
  const over = (why: string) =>
    status === undefined ? reject(new Error(`${origin} ${why}`)) : resolve(status);
  const giveUp = () => over('did not answer in time');
  signal.addEventListener('abort', giveUp);
  if (signal.aborted) giveUp();
  else {
    let size = 0;
    client.send(
      { origin, path: pathname + search, method: 'POST', headers: headers.flat(), body: Buffer.from(body) },
      {
        head(code) {
          status = code;
        },
        data(chunk) {
          size += chunk.length;
          if (size > MAX_ANSWER) over('said too much');
        },
        end: () => over('answered nothing'),
        error: ({ cause, message }) =>
          over(`cannot be reached: ${cause === undefined ? message : messageOf(cause)}`),
      },
    );
  }
  try {
    return await promise;
  } finally {
    signal.removeEventListener('abort', giveUp);
    await client.close();
  }
}
