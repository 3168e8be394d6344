import { Agent, request as startRequest } from 'node:http';

/** One answer, read whole. */
export interface Answer {
  readonly status: number;
  /** By lower-case name; several lines joined by `, `. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  json(): Record<string, unknown>;
}

/** What is sent. */
export interface Sent {
  readonly method?: string;
  /** Over the test's own; undefined takes one away. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  /** An object is sent as JSON. */
  readonly body?: Buffer | string | object;
}

const KEY = 'Bearer sk-test';

/** Sends one request with the test's credential, unless another is given, and reads its answer whole. */
export async function send(url: string, sent: Sent = {}): Promise<Answer> {
  const streaming = await open(url, sent);
  const chunks: Buffer[] = [];
  for await (const chunk of streaming.chunks) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  return {
    status: streaming.status,
    headers: streaming.headers,
    body,
    json: () => JSON.parse(body.toString()),
  };
}

/** An answer whose head is there and whose body is still coming. */
export interface Streaming {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly chunks: AsyncIterable<Buffer>;
  /** Leaves: the connection is cut. */
  leave(): void;
}

/** Sends one request on a connection of its own; resolves when the answer's head is there. */
export function open(
  url: string,
  sent: Sent = {},
  onLeave?: (leave: () => void) => void,
): Promise<Streaming> {
  return new Promise((resolve, reject) => {
    const body =
      sent.body === undefined || Buffer.isBuffer(sent.body) || typeof sent.body === 'string'
        ? sent.body
        : JSON.stringify(sent.body);
    const request = startRequest(url, {
      method: sent.method ?? (body === undefined ? 'GET' : 'POST'),
      agent: new Agent({ keepAlive: false }),
      headers: present({
        authorization: KEY,
        'content-type': body === undefined ? undefined : 'application/json',
        ...sent.headers,
      }),
    });
    onLeave?.(() => request.destroy());
    request.on('error', reject);
    request.on('response', (response) => {
      const headers = new Map(
        Object.entries(response.headersDistinct).map(([name, values]) => [name, (values ?? []).join(', ')]),
      );
      resolve({
        status: response.statusCode ?? 0,
        headers,
        chunks: response,
        leave: () => request.destroy(),
      });
    });
    request.end(body);
  });
}

/** A chat request's body. */
export function chat(content: string, more: object = {}): object {
  return { model: 'gpt-5-mini', messages: [{ role: 'user', content }], ...more };
}

function present(headers: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept = Object.entries(headers).filter(
    (header): header is [string, string] => header[1] !== undefined,
  );
  return Object.fromEntries(kept);
}
