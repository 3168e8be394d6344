import { createHmac, randomUUID } from 'node:crypto';
import type { Product } from './catalogue.ts';

/** A shop system that reports what has changed: its name, and how it signs a delivery. */
export interface Sender {
  readonly name: string;
  /** Where in the proxy its deliveries go: a webhook of `profiles/catalog.yaml`. */
  readonly webhook: 'shopify' | 'woocommerce';
  /** What it calls a changed article. */
  readonly event: string;
  /** The headers that go with a body, signed with the secret that it shares with the proxy. */
  headers(body: string, secret: string): Readonly<Record<string, string>>;
}

// https://shopify.dev/docs/apps/build/webhooks/subscribe/https
const shopify: Sender = {
  name: 'Shopify',
  webhook: 'shopify',
  event: 'products/update',
  headers: (body, secret) => ({
    'x-shopify-topic': 'products/update',
    'x-shopify-shop-domain': 'demo.myshopify.com',
    'x-shopify-api-version': '2026-10',
    'x-shopify-webhook-id': randomUUID(),
    'x-shopify-hmac-sha256': signature(body, secret),
  }),
};

// https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks
const wooCommerce: Sender = {
  name: 'WooCommerce',
  webhook: 'woocommerce',
  event: 'product.updated',
  headers: (body, secret) => ({
    'x-wc-webhook-topic': 'product.updated',
    'x-wc-webhook-delivery-id': randomUUID(),
    'x-wc-webhook-signature': signature(body, secret),
  }),
};

/** Those that `profiles/catalog.yaml` listens to. */
export const SENDERS: readonly Sender[] = [shopify, wooCommerce];

/** What it says of a changed article; a real one says more. */
export function payloadOf({ id, name, price_eur }: Product): string {
  return JSON.stringify({ id, name, price: price_eur.toFixed(2) });
}

/** Both sign the bytes of the body with HMAC-SHA256, in base64. */
function signature(body: string, secret: string): string {
  return createHmac('sha256', secret).update(body).digest('base64');
}
