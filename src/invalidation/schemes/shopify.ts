import { signBody, verifyBody } from './body-hmac.ts';
import type { Delivery, Scheme, SchemeSettings } from './scheme.ts';

/**
 * Shopify (shopify.dev/docs/apps/build/webhooks): the HMAC-SHA256 of the body in base64, under the app's client secret. Webhooks
 * have `X-Shopify-*` headers, Events the same without `X-`. Nothing but the body is signed.
 */
export function shopify({ secret: secrets }: SchemeSettings): Scheme {
  return {
    verify(delivery) {
      const family = familyOf(delivery);
      const missing = ['hmac-sha256', 'topic'].find((name) => !delivery.header(family + name));
      if (missing !== undefined) return { kind: 'refused', why: `has no header ${family}${missing}` };
      return verifyBody(delivery, secrets, `${family}hmac-sha256`, 'base64');
    },
    event: (delivery) => delivery.header(`${familyOf(delivery)}topic`),
    id: (delivery) => delivery.header(`${familyOf(delivery)}webhook-id`),
    sign({ event, id, payload }) {
      const signature = signBody(secrets, payload, 'base64');
      if (signature === undefined) return undefined;
      return {
        body: payload,
        headers: [
          ['x-shopify-topic', event],
          ['x-shopify-hmac-sha256', signature],
          ['x-shopify-shop-domain', 'test.myshopify.com'],
          ['x-shopify-api-version', '2026-10'],
          ['x-shopify-webhook-id', id],
        ],
      };
    },
  };
}

function familyOf({ header }: Delivery): 'shopify-' | 'x-shopify-' {
  const isEvent =
    header('x-shopify-hmac-sha256') === undefined && header('shopify-hmac-sha256') !== undefined;
  return isEvent ? 'shopify-' : 'x-shopify-';
}
