import { signBody, verifyBody } from './body-hmac.ts';
import type { Scheme, SchemeSettings } from './scheme.ts';

/** GitHub (docs.github.com, "Validating webhook deliveries"): `X-Hub-Signature-256: sha256=` and the body's HMAC in hex. */
export function github({ secret: secrets }: SchemeSettings): Scheme {
  return {
    verify(delivery) {
      return verifyBody(delivery, secrets, SIGNATURE, 'hex', PREFIX);
    },
    event: ({ header }) => header('x-github-event'),
    id: ({ header }) => header('x-github-delivery'),
    sign({ event, id, payload }) {
      const signature = signBody(secrets, payload, 'hex');
      if (signature === undefined) return undefined;
      return {
        body: payload,
        headers: [
          ['x-github-event', event],
          ['x-github-delivery', id],
          [SIGNATURE, PREFIX + signature],
        ],
      };
    },
  };
}

const SIGNATURE = 'x-hub-signature-256';
const PREFIX = 'sha256=';
