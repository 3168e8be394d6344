import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';

/** A request as it is drawn: small numbers, so that requests often mean the same. */
export interface Wish {
  readonly kind: 'product' | 'search' | 'chat' | 'stream' | 'embeddings';
  /** Which product, search, question or batch. */
  readonly about: number;
  readonly namespace: boolean;
  /** Whether it says a tag of its own, and which. */
  readonly tag: 'none' | 'said:1' | 'said:2';
  readonly traced: boolean;
  /** Whether it asks for a new answer. */
  readonly refresh: boolean;
}

/** The tags that requests say. */
export const SAID = ['said:1', 'said:2'] as const;

/** What an answer says it speaks of: a product in a header, a search in its body. */
export function tagsOfAnswer({ kind, about }: Pick<Wish, 'kind' | 'about'>): readonly string[] {
  if (kind === 'product') return [`product:${about}`];
  return kind === 'search' ? ['product:0', `product:${about}`] : [];
}

/** The texts of a batch: of two batches one is often in common. */
export function itemsOf(about: number): readonly string[] {
  return [`item ${about}`, `item ${(about + 1) % 3}`];
}

/** Requests here come over no connection. */
const NOWHERE = new Socket();

/** The request as it comes from the wire. */
export function requestOf(wish: Wish): IncomingMessage {
  const { path, body } = askedBy(wish);
  const message = new IncomingMessage(NOWHERE);
  message.method = body === undefined ? 'GET' : 'POST';
  message.url = path;
  const headers: Record<string, string> = {
    host: 'localhost',
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(wish.namespace && { 'x-cache-namespace': 'other' }),
    ...(wish.tag !== 'none' && { 'x-cache-tags': wish.tag }),
    ...(wish.traced && { 'x-cache-trace': 'trace' }),
    ...(wish.refresh && { 'cache-control': 'no-cache' }),
  };
  message.rawHeaders.push(...Object.entries(headers).flat());
  message.headersDistinct = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, [value]]),
  );
  if (body !== undefined) message.push(JSON.stringify(body));
  message.push(null);
  return message;
}

function askedBy({ kind, about }: Wish): { readonly path: string; readonly body?: object } {
  switch (kind) {
    case 'product':
      return { path: `/catalog/${about}` };
    case 'search':
      return { path: `/search?q=${about}` };
    case 'chat':
    case 'stream': {
      const messages = [{ role: 'user', content: `question ${about}` }];
      return {
        path: '/v1/chat/completions',
        body: { model: 'm', messages, ...(kind === 'stream' && { stream: true }) },
      };
    }
    case 'embeddings':
      return { path: '/v1/embeddings', body: { model: 'e', input: itemsOf(about) } };
  }
}
