import { bearer } from './bearer.ts';
import { github } from './github.ts';
import { hmac } from './hmac.ts';
import type { SchemeName } from './names.ts';
import { saleor } from './saleor.ts';
import type { FetchJwks, Scheme, SchemeSettings } from './scheme.ts';
import { shopify } from './shopify.ts';
import { standard } from './standard.ts';
import { stripe } from './stripe.ts';
import { woocommerce } from './woocommerce.ts';

/** Every scheme by its name: a new one is a file, a name and a line here. */
export const SCHEMES: Readonly<
  Record<SchemeName, (settings: SchemeSettings, fetchJwks: FetchJwks) => Scheme>
> = { standard, stripe, shopify, woocommerce, saleor, github, hmac, bearer };
