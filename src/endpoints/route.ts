import { hash } from 'node:crypto';
import { readBody } from '../openai/body.ts';
import { canonicalValue } from '../openai/canonical.ts';
import { CREDENTIAL_HEADERS } from '../openai/credential-headers.ts';
import { member } from '../openai/json.ts';
import type { Touches } from '../openai/objects.ts';
import { readCondition } from '../policy/condition.ts';
import { upstreamSays } from '../policy/upstream-lifetime.ts';
import { replayable } from '../upstream/headers.ts';
import type { Answer, Endpoint, PlanInput, Taken } from './endpoint.ts';
import { isJson } from './json-request.ts';
import { wholePlan } from './whole.ts';

/** A route of the profile: which requests it answers, and what of them makes the answer different. */
export interface Route {
  readonly name: string;
  readonly match: { readonly method: readonly string[]; readonly path: string };
  readonly type: string;
  readonly key: {
    /** `*` for every query parameter, or the names of those that shape the answer. */
    readonly query: '*' | readonly string[];
    /** Lower-case names of the headers that shape the answer. */
    readonly headers: readonly string[];
    /** Whether the body shapes the answer, or the top-level fields of a JSON body that do. */
    readonly body: boolean | readonly string[];
  };
  /** Whether the upstream's `cache-control` decides (RFC 9111, shared cache). */
  readonly respect_upstream: boolean;
}

/** An endpoint of the user's own: a search engine, a product service. Its answers are kept as the bytes they came as. */
export function createRouteEndpoint(route: Route): Endpoint {
  return {
    name: route.name,
    methods: route.match.method,
    paths: [route.match.path],
    type: route.type,
    lineage: 'gives',
    plan(input) {
      // With a copy of its own a caller asks for what everybody is given: the entry, if that is another.
      const personal = [...PERSONAL, ...(input.method === 'GET' ? [] : VALIDATORS)].find(
        (name) => input.header(name) !== undefined && !route.key.headers.includes(name),
      );
      const touches = touchedWith(input);
      if (personal !== undefined) return { kind: 'bypass', reason: `header:${personal}`, touches };
      if (input.header('content-encoding') !== undefined)
        return { kind: 'bypass', reason: 'body-encoded', touches };
      const content = contentOf(route, input);
      if (content === undefined) return { kind: 'bypass', reason: 'body-not-json', touches };
      const unkeyed = (name: string) => (route.key.headers.includes(name) ? undefined : input.header(name));
      const condition = readCondition(unkeyed);
      return wholePlan({
        type: route.type,
        label: route.name,
        content,
        body: input.body,
        touches,
        shaping: { query: keyedQuery(route, input.query), headers: keyedHeaders(route, input) },
        ...(condition && { condition }),
        takeApart: (answer) => take(route, answer),
      });
    },
  };
}

// Requests with these are somebody's own, or ask for something else than the whole answer. An `authorization` here is
// none that Reprise knows, so the answer may be one person's (RFC 9111 §3.5).
const PERSONAL = ['cookie', 'authorization', 'range', 'if-match', 'if-unmodified-since', 'if-range'];

const VALIDATORS = ['if-none-match', 'if-modified-since'];

/** On the user's own endpoints nobody knows what a credential makes personal: what is asked with one is its holder's alone. */
function touchedWith({ header }: PlanInput): Touches {
  return CREDENTIAL_HEADERS.some((name) => header(name) !== undefined) ? 'account' : 'nothing';
}

/** What of the body is keyed, as injective text; undefined where fields of it are and it has none. */
function contentOf(route: Route, input: PlanInput): string | undefined {
  const { body: keyed } = route.key;
  if (keyed === false || input.body.length === 0) return '';
  const read = isJson(input.header('content-type')) ? readBody(input.body) : undefined;
  if (keyed === true) {
    if (read?.ok) return `json:${canonicalValue(read.root)}`;
    return `bytes:${input.header('content-type') ?? ''}\n${hash('sha256', input.body, 'base64url')}`;
  }
  if (!read?.ok) return undefined;
  const { root } = read;
  const fields = keyed.map((name) => {
    const value = member(root, name);
    return value === undefined ? '' : canonicalValue(value);
  });
  return `fields:${JSON.stringify(fields)}`;
}

/** The query parameters that are keyed, as they were sent; chosen ones in the order of the profile. */
function keyedQuery(route: Route, query: string): string {
  const { query: keyed } = route.key;
  if (keyed === '*' || query === '') return query;
  const pairs = query.split('&').map((pair) => ({ pair, name: nameOf(pair) }));
  return keyed
    .flatMap((name) => pairs.filter((pair) => pair.name === name).map(({ pair }) => pair))
    .join('&');
}

function nameOf(pair: string): string {
  const [name = ''] = pair.split('=', 1);
  return new URLSearchParams(`${name}=`).keys().next().value ?? name;
}

function keyedHeaders(route: Route, input: PlanInput): [string, string][] {
  return [...route.key.headers].sort().flatMap((name) => {
    const value = input.header(name);
    return value === undefined ? [] : [[name, value] satisfies [string, string]];
  });
}

function take(route: Route, answer: Answer): Taken {
  if (answer.headers.some(([name]) => name === 'content-encoding')) {
    return { kind: 'opaque', reason: 'content-encoding' };
  }
  const says = upstreamSays(answer.headers, route.key.headers, route.respect_upstream);
  if (says.kind === 'personal') return { kind: 'opaque', reason: says.reason, personal: true };
  const { status, body } = answer;
  const payload = { form: 'raw', status, headers: replayable(answer.headers), facts: {}, body } as const;
  return { kind: 'parts', payloads: [payload], ...(says.lifetime && { lifetime: says.lifetime }) };
}
