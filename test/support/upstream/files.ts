import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { perRequestHeaders, sendJson } from '../openai-server.ts';
import type { Handler, UpstreamRequest } from '../upstream.ts';

/** What is known of an upload, whose bytes are counted and not kept. */
export interface Upload {
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** How the files API answers this call; undefined if it is for another. */
export function fileHandler(request: UpstreamRequest): Handler | undefined {
  if (request.upload !== undefined) return answerUpload;
  return request.method === 'GET' && /^\/v1\/files\/[^/]+\/content$/.test(request.path)
    ? answerContent
    : undefined;
}

/** Whether a call is an upload. */
export function isUpload(method: string, path: string): boolean {
  return method === 'POST' && path === '/v1/files';
}

/** Reads an upload to its end, as fast as it comes. */
export async function receiveUpload(chunks: AsyncIterable<Buffer>): Promise<Upload> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** The first `bytes` bytes of the one endless file there is, in chunks of up to 64 kB. */
export function* fileContent(bytes: number): Generator<Buffer, void, undefined> {
  for (let left = bytes; left > 0; left -= PATTERN.length) yield PATTERN.subarray(0, left);
}

// A prime length: what is lost, doubled or exchanged in blocks of a power of two shows.
const PATTERN = createHash('shake256', { outputLength: 65_521 }).update('a file').digest();

const answerUpload: Handler = ({ upload }, response) => {
  const file = { id: 'file-1', object: 'file', bytes: upload?.bytes, sha256: upload?.sha256 };
  sendJson(response, 200, { ...file, filename: 'f.jsonl', purpose: 'batch', created_at: 1_780_000_000 });
};

const answerContent: Handler = async ({ query }, response) => {
  const bytes = Number(new URLSearchParams(query).get('bytes') ?? 0);
  response.writeHead(200, {
    ...perRequestHeaders(),
    'content-type': 'application/octet-stream',
    'content-length': String(bytes),
  });
  await pipeline(Readable.from(fileContent(bytes)), response);
};
