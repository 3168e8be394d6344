import type { UpstreamClient } from '../../../src/upstream/client.ts';
import { type Exchange, startExchange } from '../../../src/upstream/exchange.ts';
import type { Cursor } from '../../../src/upstream/recording.ts';
import { ManualClock } from '../clock.ts';
import { within } from '../deadline.ts';
import type { Upstream } from '../upstream.ts';
import { callTo } from './sink.ts';

/** An exchange under way. */
export interface Started {
  readonly exchange: Exchange;
  /** Its deadline is after 60 s. */
  readonly clock: ManualClock;
  /** What its hooks were told, in order: `head STATUS`, `chunks` for any number of them, `overflow`, `end`, an error's code. */
  readonly told: readonly string[];
}

/** Asks `upstream` for a streamed chat, of whose answer so many bytes are kept. */
export function startChat(client: UpstreamClient, upstream: Upstream, maxRecorded = 1_000_000): Started {
  const clock = new ManualClock();
  const told: string[] = [];
  const body = Buffer.from('{"model":"m","messages":[],"stream":true}');
  const exchange = startExchange({
    client,
    call: callTo(upstream.origin, { path: '/v1/chat/completions', body }),
    clock,
    deadlineMs: 60_000,
    maxRecorded,
    hooks: {
      head: ({ status }) => told.push(`head ${status}`),
      chunk: () => told.at(-1) !== 'chunks' && told.push('chunks'),
      overflow: () => told.push('overflow'),
      end: () => {
        told.push('end');
        return undefined;
      },
      error: ({ code }) => told.push(code),
    },
  });
  return { clock, told, exchange };
}

/** Everything a cursor still gives. Rejects as the cursor does. */
export async function readAll(cursor: Cursor): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = await within(cursor.next(), 'the next chunk');
    if (chunk === 'end') return Buffer.concat(chunks);
    chunks.push(chunk);
  }
}
