import { type Answer, chat, type Sent } from './http.ts';
import type { sendJson } from './openai-server.ts';
import { type Stage, type StageOptions, setStage } from './stage.ts';
import type { Upstream } from './upstream.ts';

/** A shop behind the proxy, with the articles it sells: a product page, a search, and a model that is told what was found. */
export interface ShopStage extends Stage {
  readonly prices: Map<number, number>;
  /** Asks for a product. */
  product(id: number, trace?: string): Promise<Answer>;
  /** Searches for what has one of these ids: the search's words are the ids themselves. */
  search(ids: readonly number[], trace?: string): Promise<Answer>;
  /** Asks the model. */
  prose(question: string, trace?: string, sent?: Sent): Promise<Answer>;
  /** Asks the control plane. */
  control(path: string, body?: object, method?: string): Promise<Answer>;
  /** Invalidates, and gives how many entries were meant. */
  invalidate(condition: object): Promise<unknown>;
  /** The shown keys of all that can be served, sorted. */
  keys(filter?: string): Promise<readonly string[]>;
}

/** The routes of such a shop, whose upstream is at `origin`; more settings may stand beside. */
export function shopProfile(origin: string): Readonly<Record<string, unknown>> {
  return {
    upstreams: { shop: { base_url: `${origin}/api` } },
    routes: [
      {
        name: 'product',
        match: { method: 'GET', path: '/catalog/products/{id}' },
        type: 'products',
        upstream: 'shop',
        tags: ['product:{id}'],
      },
      {
        name: 'search',
        match: { method: 'GET', path: '/catalog/search' },
        type: 'search_results',
        upstream: 'shop',
        tags: [{ json: '$.hits[*].id', tag: 'product:{value}' }],
      },
    ],
  };
}

/** Sets one up; `more` is a part of the profile. */
export async function setShop(
  more: Readonly<Record<string, unknown>> = {},
  options: Omit<StageOptions, 'profile' | 'profileFor'> = {},
): Promise<ShopStage> {
  const stage = await setStage({ ...options, profileFor: (origin) => ({ ...shopProfile(origin), ...more }) });
  const prices = new Map(Array.from({ length: 20 }, (_, at) => [at, 10 * at]));
  answerAsShop(stage.upstream, prices);
  // The shop is asked without a credential: with one its answers would be one caller's own.
  const plain = (path: string, trace?: string) =>
    stage.ask(path, { headers: { authorization: undefined, ...traced(trace) } });
  const control: ShopStage['control'] = (path, body, method) =>
    stage.ask(path, { ...(body && { body }), ...(method && { method }) });
  return {
    ...stage,
    prices,
    product: (id, trace) => plain(`/catalog/products/${id}`, trace),
    search: (ids, trace) => plain(`/catalog/search?ids=${ids.join()}`, trace),
    prose: (question, trace, sent = {}) =>
      stage.ask('/v1/chat/completions', {
        body: chat(question),
        ...sent,
        headers: { ...traced(trace), ...sent.headers },
      }),
    control,
    async invalidate(condition) {
      return (await control('/cache/invalidate', condition)).json().matched;
    },
    async keys(filter = '') {
      const { entries } = (await control(`/monitoring/cache/entries?limit=1000${filter}`)).json();
      return (entries as readonly { key: string }[]).map(({ key }) => key).sort();
    },
    [Symbol.asyncDispose]: () => stage[Symbol.asyncDispose](),
  };
}

/** Lets an upstream answer for the shop's product pages and its search with what stands in `prices`. */
export function answerAsShop(upstream: Upstream, prices: ReadonlyMap<number, number>): void {
  const productOf = (id: number) => ({ id, price: prices.get(id) });
  upstream.answer(({ query }, response) => {
    const ids = new URLSearchParams(query).get('ids')?.split(',').map(Number) ?? [];
    sendPlain(response, { hits: ids.map(productOf) });
  }, '/catalog/search');
  for (const id of prices.keys()) {
    upstream.answer((_request, response) => sendPlain(response, productOf(id)), `/catalog/products/${id}`);
  }
}

/** The headers of a call of this trace: 32 hexadecimal digits are W3C's, all else is ours. */
export function traced(trace: string | undefined): Readonly<Record<string, string>> {
  if (trace === undefined) return {};
  return /^[0-9a-f]{32}$/.test(trace)
    ? { traceparent: `00-${trace}-b7ad6b7169203331-01` }
    : { 'x-cache-trace': trace };
}

/** The word of `x-cache`. */
export function cacheOf(answer: Answer): string | undefined {
  return answer.headers.get('x-cache');
}

// Not OpenAI's per-request headers: a cookie would make an answer one caller's own.
function sendPlain(response: Parameters<typeof sendJson>[0], body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
