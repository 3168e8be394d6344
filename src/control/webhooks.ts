import type { Delivery } from '../invalidation/schemes/scheme.ts';
import type { Receipt } from '../invalidation/webhooks.ts';
import { RepriseError } from '../shared/errors.ts';

/** Who takes deliveries: see `Webhooks`. */
export interface DeliveryTaker {
  has(name: string): boolean;
  receive(name: string, delivery: Delivery): Promise<Receipt>;
}

/** Where webhooks stand. */
export const WEBHOOKS_PATH = '/webhooks/';

/** The largest delivery that is read, in bytes. Nothing a shop says of one product comes near. */
export const MAX_DELIVERY = 5_000_000;

/** Answers `POST /webhooks/{name}`. Throws an error of ours for a delivery that is refused. */
export async function answerWebhook(
  webhooks: DeliveryTaker | undefined,
  request: Request,
  path: string,
): Promise<Response> {
  const name = path.slice(WEBHOOKS_PATH.length);
  if (webhooks?.has(name) !== true) {
    throw new RepriseError('not_found', `The profile has no webhook at ${path.slice(0, 200)}.`);
  }
  if (request.method !== 'POST') {
    throw new RepriseError('method_not_allowed', `${path} takes POST only, not ${request.method}.`);
  }
  const body = await readDelivery(request);
  const receipt = await webhooks.receive(name, {
    header: (header) => request.headers.get(header) ?? undefined,
    body,
  });
  return Response.json(receipt);
}

/** Reads the body whole, and no further than it may be long, whatever the head says of its length. */
async function readDelivery(request: Request): Promise<Buffer> {
  if (Number(request.headers.get('content-length') ?? 0) > MAX_DELIVERY) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  const stream: AsyncIterable<Uint8Array> | readonly Uint8Array[] = request.body ?? [];
  try {
    for await (const chunk of stream) {
      size += chunk.byteLength;
      if (size > MAX_DELIVERY) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (thrown) {
    if (thrown instanceof RepriseError) throw thrown;
    throw new RepriseError('invalid_request', 'The delivery ended before it was complete.', {
      cause: thrown,
    });
  }
  return Buffer.concat(chunks, size);
}

function tooLarge(): RepriseError {
  return new RepriseError(
    'request_too_large',
    `The delivery is larger than ${MAX_DELIVERY} bytes, the most that is read of one.`,
  );
}
