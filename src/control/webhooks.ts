import type { Delivery } from '../invalidation/schemes/scheme.ts';
import type { Receipt } from '../invalidation/webhooks.ts';
import { RepriseError } from '../shared/errors.ts';
import { behind, type ControlCall, controlCall } from './call.ts';

/** Who takes deliveries: see `Webhooks`. */
export interface DeliveryTaker {
  has(name: string): boolean;
  receive(name: string, delivery: Delivery): Promise<Receipt>;
}

/** The largest delivery that is read, in bytes. Nothing a shop says of one product comes near. */
const MAX_DELIVERY = 5_000_000;

/** `POST /webhooks/{name}`: its own signature says who may. */
export function webhookCall(webhooks: DeliveryTaker): ControlCall {
  return controlCall('everyone', '/webhooks/*', {
    async POST({ path, header, readBody }) {
      const name = behind(1, path);
      if (!webhooks.has(name)) {
        throw new RepriseError('not_found', `The profile has no webhook at ${path.slice(0, 200)}.`);
      }
      const body = await readBody(MAX_DELIVERY, 'the most that is read of a delivery');
      return Response.json(await webhooks.receive(name, { header, body }));
    },
  });
}
