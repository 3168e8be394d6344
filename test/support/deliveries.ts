import type { SchemeName } from '../../src/invalidation/schemes/names.ts';
import type {
  Delivery,
  Draft,
  Scheme,
  SchemeSettings,
  SignedDraft,
} from '../../src/invalidation/schemes/scheme.ts';
import { SCHEMES } from '../../src/invalidation/schemes/table.ts';
import { type Node, parseJson } from '../../src/openai/json.ts';

/** Headers by name, in any case. */
export type Headers = Readonly<Record<string, string>>;

/** A delivery with these headers and this body. */
export function deliveryOf(headers: Headers, body: string | Buffer): Delivery {
  const byName = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return { header: (name) => byName.get(name), body: Buffer.from(body) };
}

/** A scheme whose sender publishes no keys. */
export function schemeOf(name: SchemeName, settings: SchemeSettings): Scheme {
  return SCHEMES[name](settings, () => Promise.reject(new Error('nobody publishes keys here')));
}

/** A signed delivery of `draft`, as headers and body; fails if the scheme has nothing to sign with. */
export function signed(scheme: Scheme, draft: Partial<Draft> = {}): { headers: Headers; body: string } {
  const made: SignedDraft | undefined = scheme.sign({ ...DRAFT, ...draft });
  if (made === undefined) throw new Error('nothing to sign with');
  return { headers: Object.fromEntries(made.headers), body: made.body };
}

/** The tree of a payload. */
export function payloadOf(text: string): Node {
  const parsed = parseJson(text);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.root;
}

/** A moment, in milliseconds since the epoch. */
export const NOW = Date.UTC(2026, 0, 1);

const DRAFT: Draft = {
  event: 'products/update',
  id: 'delivery-1',
  payload: '{"product":{"id":7}}',
  now: NOW,
};
