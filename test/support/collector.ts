import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { bytesOf, type Field, numberOf, readFields } from './protobuf.ts';
import { listening } from './upstream/listening.ts';

/** What an attribute says. */
export type AttributeValue = string | number | boolean | readonly AttributeValue[] | undefined;

/** A span as a collector is told of it; ids in hexadecimal digits, times in nanoseconds since the epoch. */
export interface ToldSpan {
  readonly traceId: string;
  readonly id: string;
  /** Empty for the first of its trace. */
  readonly parent: string;
  readonly state: string;
  readonly name: string;
  readonly kind: 'server' | 'client' | 'other';
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly links: readonly { readonly traceId: string; readonly id: string }[];
  readonly status: 'unset' | 'ok' | 'error';
  /** Of the process that it comes from. */
  readonly resource: Readonly<Record<string, AttributeValue>>;
}

/** A collector of spans: OTLP over HTTP, as Protocol Buffers. Dispose of it to end it. */
export interface Collector extends Disposable {
  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  readonly url: string;
  /** All it has been told, in the order in which it came. */
  readonly spans: readonly ToldSpan[];
  readonly requests: readonly { readonly path: string | undefined; readonly headers: IncomingHttpHeaders }[];
  /** Answers in its own way from now on; undefined takes what comes. */
  answer(handler: ((response: ServerResponse) => void) | undefined): void;
}

/** Starts one on a free port. */
export async function startCollector(): Promise<Collector> {
  const spans: ToldSpan[] = [];
  const requests: { path: string | undefined; headers: IncomingHttpHeaders }[] = [];
  let handler: ((response: ServerResponse) => void) | undefined;
  const server = await listening(
    createServer(async (request, response) => {
      const sent = await buffer(request);
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent;
      requests.push({ path: request.url, headers: request.headers });
      if (handler !== undefined) return handler(response);
      spans.push(...readExport(body));
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    }),
  );
  return {
    url: `http://127.0.0.1:${server.port}`,
    spans,
    requests,
    answer(next) {
      handler = next;
    },
    [Symbol.dispose]: () => server[Symbol.dispose](),
  };
}

// The numbers are those of opentelemetry-proto: collector/trace/v1, trace/v1, resource/v1, common/v1.

function readExport(body: Buffer): ToldSpan[] {
  return bytesOf(readFields(body), 1).flatMap((resourceSpans) => {
    const fields = readFields(resourceSpans);
    const [resource = Buffer.alloc(0)] = bytesOf(fields, 1);
    const attributes = attributesIn(readFields(resource), 1);
    return bytesOf(fields, 2).flatMap((scopeSpans) =>
      bytesOf(readFields(scopeSpans), 2).map((span) => readSpan(readFields(span), attributes)),
    );
  });
}

function readSpan(fields: readonly Field[], resource: ToldSpan['resource']): ToldSpan {
  const [status = Buffer.alloc(0)] = bytesOf(fields, 15);
  return {
    traceId: hexOf(fields, 1),
    id: hexOf(fields, 2),
    state: textOf(fields, 3),
    parent: hexOf(fields, 4),
    name: textOf(fields, 5),
    kind: ({ 2: 'server', 3: 'client' } as const)[Number(numberOf(fields, 6))] ?? 'other',
    start: numberOf(fields, 7),
    end: numberOf(fields, 8),
    attributes: attributesIn(fields, 9),
    links: bytesOf(fields, 13)
      .map(readFields)
      .map((link) => ({ traceId: hexOf(link, 1), id: hexOf(link, 2) })),
    status: (['unset', 'ok', 'error'] as const)[Number(numberOf(readFields(status), 3))] ?? 'unset',
    resource,
  };
}

function attributesIn(fields: readonly Field[], number: number): Record<string, AttributeValue> {
  return Object.fromEntries(
    bytesOf(fields, number).map((pair) => {
      const [key, value] = [1, 2].map((part) => bytesOf(readFields(pair), part)[0] ?? Buffer.alloc(0));
      return [String(key), value && attributeOf(readFields(value))];
    }),
  );
}

function attributeOf([field]: readonly Field[]): AttributeValue {
  if (field === undefined) return undefined;
  const { number, value } = field;
  if (Buffer.isBuffer(value)) {
    return number === 5
      ? bytesOf(readFields(value), 1).map((item) => attributeOf(readFields(item)))
      : String(value);
  }
  if (number === 2) return value === 1n;
  if (number === 3) return Number(BigInt.asIntN(64, value));
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes.readDoubleLE();
}

function hexOf(fields: readonly Field[], number: number): string {
  return bytesOf(fields, number)[0]?.toString('hex') ?? '';
}

function textOf(fields: readonly Field[], number: number): string {
  return bytesOf(fields, number)[0]?.toString() ?? '';
}
