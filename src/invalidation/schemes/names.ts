/** The schemes by which webhooks can be signed. */
export const SCHEME_NAMES = [
  'standard',
  'stripe',
  'shopify',
  'woocommerce',
  'saleor',
  'github',
  'hmac',
  'bearer',
] as const;

/** One of {@link SCHEME_NAMES}. */
export type SchemeName = (typeof SCHEME_NAMES)[number];
