import { z } from 'zod';
import { catalogue, type Product } from './catalogue.ts';
import { embed, similarity } from './embedding.ts';
import { between } from './random.ts';
import { type Pace, type StandIn, sendJson, startStandIn } from './stand-in.ts';

/** The stand-in shop, with the calls that really reached it. */
export interface Shop extends StandIn {
  readonly counted: { readonly search: number; readonly products: number };
  /** Changes the price of the article with this id, in euros, and gives the article as it is now. Throws if there is none. */
  reprice(id: string, price: number): Product;
}

/** The size of the vectors that the shop's search takes. */
export const SEARCH_DIMENSIONS = 256;

/** What a search answers. */
export const SearchAnswer = z.object({
  hits: z.array(z.object({ id: z.string(), name: z.string(), score: z.number() })),
});

/**
 * Starts the shop: `GET /catalog/products/{id}` in 15 to 40 ms, `GET /catalog/search?q=&top=` by words and
 * `POST /catalog/search` `{vector, top}` by meaning in 25 to 60 ms.
 */
export async function startShop(pace: Pace): Promise<Shop> {
  const counted = { search: 0, products: 0 };
  const products = new Map(catalogue().map((product) => [product.id, product]));
  const index = [...products.values()].map((product) => ({
    product,
    vector: embed(indexText(product), SEARCH_DIMENSIONS),
  }));
  const search = ({ vector, top }: z.infer<typeof SearchRequest>): z.infer<typeof SearchAnswer> => ({
    hits: index
      .map(({ product, vector: own }) => ({
        id: product.id,
        name: product.name,
        score: similarity(own, vector),
      }))
      .sort((one, other) => other.score - one.score)
      .slice(0, top),
  });

  const standIn = await startStandIn(async ({ method, url, body }, response) => {
    const id = PRODUCT_PATH.exec(url.pathname)?.[1];
    if (method === 'GET' && id !== undefined) {
      counted.products += 1;
      await pace(between(15, 40, id));
      const product = products.get(id);
      return product === undefined ? sendNotFound(response) : sendJson(response, product);
    }
    if (url.pathname !== '/catalog/search') return sendNotFound(response);
    counted.search += 1;
    const request = SearchRequest.parse(method === 'POST' ? body : fromQuery(url.searchParams));
    await pace(between(25, 60, JSON.stringify(request)));
    sendJson(response, search(request));
  });
  return {
    ...standIn,
    counted,
    reprice(id, price) {
      const product = products.get(id);
      if (product === undefined) throw new Error(`the shop has no article ${id}`);
      const changed = { ...product, price_eur: price };
      products.set(id, changed);
      return changed;
    },
  };
}

const PRODUCT_PATH = /^\/catalog\/products\/([^/]+)$/;

const SearchRequest = z.object({
  vector: z.array(z.number()).length(SEARCH_DIMENSIONS),
  top: z.coerce.number().int().min(1).max(50).default(3),
});

function fromQuery(query: URLSearchParams): object {
  return {
    vector: [...embed(query.get('q') ?? '', SEARCH_DIMENSIONS)],
    top: query.get('top') ?? undefined,
  };
}

/** The name counts three times: who names an article means it. */
function indexText(product: Product): string {
  const { name, category, attributes, description } = product;
  return `${name} ${name} ${name} ${category} ${attributes.join(' ')} ${description}`;
}

function sendNotFound(response: Parameters<typeof sendJson>[0]): void {
  sendJson(response, { error: { message: 'no such article' } }, 404);
}
