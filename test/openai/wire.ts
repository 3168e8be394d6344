import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import OpenAI from 'openai';
import type { Wish } from '../../src/openai/replay.ts';

/** The bytes of a data-only event stream of these JSON values, ended by `[DONE]`. */
export function chunked(chunks: readonly unknown[]): Buffer {
  const data = [...chunks.map((chunk) => JSON.stringify(chunk)), '[DONE]'];
  return Buffer.from(data.map((line) => `data: ${line}\n\n`).join(''));
}

/** The bytes of a Responses stream of these events. */
export function typed(events: readonly { readonly type: string }[]): Buffer {
  return Buffer.from(
    events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''),
  );
}

/** A wish for a plain replay, changed in these respects. */
export function wish(changes: Partial<Wish>): Wish {
  return {
    stream: false,
    includeUsage: false,
    echo: new Map(),
    identity: 'keep',
    now: 1_800_000_000_000,
    newId: () => 'n'.repeat(24),
    ...changes,
  };
}

/** What `use` makes of an answer with the official client, which gets `body` from a real server, in small writes. */
export async function throughSdk<T>(
  body: Buffer,
  stream: boolean,
  use: (client: OpenAI) => Promise<T>,
): Promise<T> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': stream ? 'text/event-stream' : 'application/json' });
    for (let at = 0; at < body.length; at += 997) response.write(body.subarray(at, at + 997));
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    return await use(new OpenAI({ apiKey: 'k', baseURL: `http://127.0.0.1:${port}/v1`, maxRetries: 0 }));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const ASK = { model: 'm', messages: [{ role: 'user' as const, content: 'hi' }] };

/** The `chat.completion` that the official client assembles from a stream. */
export async function assembledChat(body: Buffer): Promise<unknown> {
  const whole = await throughSdk(body, true, (client) =>
    client.chat.completions.stream(ASK).finalChatCompletion(),
  );
  return plain(whole);
}

/** The response that the official client assembles from a stream. */
export async function assembledResponse(body: Buffer): Promise<unknown> {
  const whole = await throughSdk(body, true, (client) =>
    client.responses.stream({ model: 'm', input: 'hi' }).finalResponse(),
  );
  return plain(whole);
}

/** The text of each choice, with its end, that a client gets by iterating a completions stream. */
export async function iteratedCompletion(body: Buffer): Promise<Map<number, string>> {
  return throughSdk(body, true, async (client) => {
    const texts = new Map<number, string>();
    const stream = await client.completions.create({ model: 'm', prompt: 'p', stream: true });
    for await (const { choices } of stream) {
      for (const { index, text, finish_reason } of choices) {
        texts.set(
          index,
          (texts.get(index) ?? '') + text + (finish_reason === null ? '' : `<${finish_reason}>`),
        );
      }
    }
    return texts;
  });
}

/** A value as JSON has it, without what the SDK's helpers add to it. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, member) =>
      ['parsed', 'parsed_arguments', 'output_text', 'output_parsed', '_request_id'].includes(key)
        ? undefined
        : member,
    ),
  );
}
