import { createDecoder, readCoding } from '../codec/content-coding.ts';
import type { HeaderOf } from '../policy/access.ts';
import { RepriseError } from '../shared/errors.ts';
import type { Soon } from '../shared/soon.ts';
import type { Room } from './body-room.ts';
import { bodyTooLarge } from './request.ts';

/** A request's body as its reader sees it, with the headers that describe it. */
export interface Content {
  readonly body: Buffer;
  readonly header: HeaderOf;
}

/** How much may come out of a content coding, in bytes, and where that takes room. */
export interface ContentBounds {
  readonly limit: number;
  readonly room?: Room | undefined;
}

/**
 * Takes the content coding off a request's body. A coding that is not known, or that is not what the bytes are in, stays, and
 * so does its header; at once where there is none. Throws, or rejects with, `request_too_large` if more than `limit` bytes come out,
 * or far more than went in; `overloaded` where there is no room for them.
 */
export function readContent(header: HeaderOf, body: Buffer, bounds: ContentBounds): Soon<Content> {
  const said = header('content-encoding');
  const coding = said === undefined ? undefined : readCoding(said);
  if (coding === undefined) return { body, header };
  if (coding === 'identity') return { body, header: withoutCoding(header) };
  return decoded(createDecoder(coding, body), header, body, bounds);
}

async function decoded(
  decoder: ReturnType<typeof createDecoder>,
  header: HeaderOf,
  body: Buffer,
  { limit, room }: ContentBounds,
): Promise<Content> {
  decoder.end(body);
  const most = Math.max(MOST_GROWTH * body.length, GROWTH_FREE_BYTES);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of decoder) {
      size += chunk.length;
      if (size > limit) throw bodyTooLarge(limit);
      if (size > most) throw grownTooLarge();
      room?.take(chunk.length);
      chunks.push(chunk);
    }
  } catch (thrown) {
    if (thrown instanceof RepriseError) throw thrown;
    return { body, header };
  }
  return { body: Buffer.concat(chunks, size), header: withoutCoding(header) };
}

/**
 * How many times its size a body may become, as Apache's DeflateInflateRatioLimit has it: JSON packs to a tenth, and what a
 * sender has to send is what keeps one from filling the memory with many at once.
 */
const MOST_GROWTH = 200;
/** A batch of one short text many times over packs better than that. */
const GROWTH_FREE_BYTES = 1_000_000;

function grownTooLarge(): RepriseError {
  return new RepriseError(
    'request_too_large',
    `The request body unpacks to more than ${MOST_GROWTH} times its size: send it with less compression, or with none.`,
  );
}

function withoutCoding(header: HeaderOf): HeaderOf {
  return (name) => (name === 'content-encoding' ? undefined : header(name));
}
