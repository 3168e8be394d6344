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

/**
 * POSTs over a connection of its own, through the environment's proxies, and gives the status of the answer, of which no more
 * is read: redirects are not followed. Rejects if there is no answer, or `signal` gives up before there is one.
 */
export async function post(
  { url, headers, body }: Post,
  signal: AbortSignal,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const { origin, pathname, search } = new URL(url);
  const client = createUpstreamClient(TIMEOUTS, env);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const giveUp = () => reject(new Error(`${origin} did not answer in time`));
  signal.addEventListener('abort', giveUp);
  if (signal.aborted) giveUp();
  else {
    client.send(
      { origin, path: pathname + search, method: 'POST', headers: headers.flat(), body: Buffer.from(body) },
      {
        head: resolve,
        data: () => undefined,
        end: () => undefined,
        error: ({ cause, message }) =>
          reject(
            new Error(`${origin} cannot be reached: ${cause === undefined ? message : messageOf(cause)}`),
          ),
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
