import { signBody, verifyBody } from './body-hmac.ts';
import type { Delivery, Scheme, SchemeSettings } from './scheme.ts';

/**
 * WooCommerce (class-wc-webhook.php): the HMAC-SHA256 of the body in base64. When a webhook is saved, an unsigned form
 * `webhook_id=N` is sent first, and unless that is answered with 2xx the webhook is not switched on.
 */
export function woocommerce({ secret: secrets }: SchemeSettings): Scheme {
  return {
    verify(delivery) {
      if (isPing(delivery)) return { kind: 'ping' };
      return verifyBody(delivery, secrets, SIGNATURE, 'base64');
    },
    event: ({ header }) => header('x-wc-webhook-topic'),
    id: ({ header }) => header('x-wc-webhook-delivery-id'),
    sign({ event, id, payload }) {
      const signature = signBody(secrets, payload, 'base64');
      if (signature === undefined) return undefined;
      const [resource = '', action = ''] = event.split('.');
      return {
        body: payload,
        headers: [
          ['x-wc-webhook-topic', event],
          ['x-wc-webhook-resource', resource],
          ['x-wc-webhook-event', action],
          [SIGNATURE, signature],
          ['x-wc-webhook-id', '1'],
          ['x-wc-webhook-delivery-id', id],
        ],
      };
    },
  };
}

const SIGNATURE = 'x-wc-webhook-signature';

function isPing({ header, body }: Delivery): boolean {
  if (header(SIGNATURE) !== undefined || body.length > 64) return false;
  return /^webhook_id=\d+$/.test(body.toString('latin1'));
}
