import { signBody, verifyBody, WRONG_SIGNATURE } from './body-hmac.ts';
import { IssuerKeys } from './issuer-keys.ts';
import type { Delivery, FetchJwks, Scheme, SchemeSettings } from './scheme.ts';

/**
 * Saleor (docs.saleor.io/developer/extending/webhooks/payload-signature): with a secret, the body's HMAC-SHA256 in hex; without,
 * a detached JSON Web Signature (RS256) by keys that the shop publishes. Which shop that is says the profile, never the delivery.
 */
export function saleor({ secret: secrets, issuer }: SchemeSettings, fetchJwks: FetchJwks): Scheme {
  const keys = issuer === undefined ? undefined : new IssuerKeys(issuer, fetchJwks);
  return {
    async verify(delivery, now) {
      if (keys === undefined) return verifyBody(delivery, secrets, nameIn(delivery, 'signature'), 'hex');
      const jws = said(delivery, 'signature');
      if (jws === undefined) return { kind: 'refused', why: 'has no header saleor-signature' };
      return (await keys.hasSigned(jws, delivery.body, now)) ? { kind: 'genuine' } : WRONG_SIGNATURE;
    },
    event: (delivery) => said(delivery, 'event'),
    id: () => undefined,
    sign({ event, payload }) {
      const signature = signBody(secrets, payload, 'hex');
      if (signature === undefined) return undefined;
      return {
        body: payload,
        headers: [
          ['saleor-event', event],
          ['saleor-signature', signature],
        ],
      };
    },
  };
}

function said(delivery: Delivery, name: string): string | undefined {
  return delivery.header(nameIn(delivery, name));
}

/** Older versions send the names with `X-`, later ones both. */
function nameIn({ header }: Delivery, name: string): string {
  return header(`saleor-${name}`) === undefined && header(`x-saleor-${name}`) !== undefined
    ? `x-saleor-${name}`
    : `saleor-${name}`;
}
