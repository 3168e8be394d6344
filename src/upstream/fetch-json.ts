import { createUpstreamClient } from './client.ts';

const MAX_BYTES = 1_000_000;
const TIMEOUTS = { connect: 5_000, headers: 5_000, idle: 5_000 } as const;

/** Fetches a small JSON document over a connection of its own. Rejects for anything but status 200, a larger one, and what is no JSON. */
export async function fetchJson(url: string, env: NodeJS.ProcessEnv): Promise<unknown> {
  const { origin, pathname, search } = new URL(url);
  const client = createUpstreamClient(TIMEOUTS, env);
  try {
    return JSON.parse(
      await new Promise<string>((resolve, reject) => {
        const chunks: Buffer[] = [];
        let size = 0;
        const call = {
          origin,
          path: pathname + search,
          method: 'GET',
          headers: ['accept', 'application/json'],
          body: null,
        };
        client.send(call, {
          head(status) {
            if (status !== 200) reject(new Error(`${url} answered with status ${status}`));
          },
          data(chunk) {
            size += chunk.length;
            if (size > MAX_BYTES) reject(new Error(`${url} answered with more than ${MAX_BYTES} bytes`));
            else chunks.push(Buffer.from(chunk));
          },
          end: () => resolve(Buffer.concat(chunks).toString()),
          error: reject,
        });
      }),
    );
  } finally {
    await client.close();
  }
}
