import { SURFACE_PATHS, SURFACE_ROOTS } from '../openai/surface.ts';
import {
  comparePatterns,
  matchPath,
  parsePattern,
  type Segment,
  variablesOf,
} from '../shared/path-pattern.ts';
import { nearest } from './nearest.ts';
import type { Finding } from './problems.ts';
import { methodField } from './route-settings.ts';
import { type Path, valueAt } from './tree.ts';

/** The names that routes can refer to, and the ones their paths cannot begin with. */
export interface Surroundings {
  readonly types: readonly string[];
  readonly upstreams: readonly string[];
  /** Whether there may be more types and upstreams, in a profile that could not be read. */
  readonly mayBeMore: boolean;
  /** First segments of paths. */
  readonly reserved: readonly string[];
}

/** What is wrong with `raw`, the plain value of `routes`, beyond each value by itself. */
export function checkRoutes(raw: unknown, around: Surroundings): Finding[] {
  const routes = (Array.isArray(raw) ? raw : []).map(readRoute);
  return routes.flatMap((route, index) => [
    ...(around.mayBeMore ? [] : checkReferences(route, around)),
    ...checkReserved(route, around),
    ...checkRewrite(route),
    ...routes.slice(0, index).flatMap((earlier) => checkPair(route, earlier)),
  ]);
}

/** The readable fields of a route; those that the schema refuses are absent. */
interface ReadRoute {
  readonly at: Path;
  readonly name: string | undefined;
  readonly type: string | undefined;
  readonly upstream: string | undefined;
  readonly methods: readonly string[];
  readonly pattern: readonly Segment[] | undefined;
  readonly rewrite: readonly Segment[] | undefined;
}

function readRoute(raw: unknown, index: number): ReadRoute {
  const text = (path: Path) => {
    const value = valueAt(raw, path);
    return typeof value === 'string' ? value : undefined;
  };
  return {
    at: ['routes', index],
    name: text(['name']),
    type: text(['type']),
    upstream: text(['upstream']),
    methods: methodField.safeParse(valueAt(raw, ['match', 'method'])).data ?? [],
    pattern: parsePattern(text(['match', 'path']) ?? ''),
    rewrite: parsePattern(text(['rewrite']) ?? ''),
  };
}

function checkReferences(route: ReadRoute, { types, upstreams }: Surroundings): Finding[] {
  return [...checkReference(route, 'type', types), ...checkReference(route, 'upstream', upstreams)];
}

function checkReference(route: ReadRoute, field: 'type' | 'upstream', names: readonly string[]): Finding[] {
  const name = route[field];
  if (name === undefined || name === '' || names.includes(name)) return [];
  const expected = `a name under ${field}s; the nearest is "${nearest(name, names)}"`;
  return [{ path: [...route.at, field], expected }];
}

function checkReserved({ at, pattern = [] }: ReadRoute, { reserved, upstreams }: Surroundings): Finding[] {
  const [first, ...rest] = pattern;
  if (first === undefined) return [];
  const path = [...at, 'match', 'path'];
  // It would take the reserved paths, too.
  if (!('literal' in first)) return [{ path, expected: 'a path whose first segment is literal' }];
  if (reserved.includes(first.literal)) {
    return [{ path, expected: `a path outside /${reserved.join(', /')}, which are reserved` }];
  }
  const taken = onSurface(pattern);
  if (taken !== undefined) return [{ path, expected: `a path other than ${taken}, which is reserved` }];
  const below = upstreams.includes(first.literal) ? onSurface(rest) : undefined;
  if (below === undefined) return [];
  const expected = `a path outside /${first.literal}${below}, where the upstream of that name is reached`;
  return [{ path, expected }];
}

/** Which of the API's paths, or of the roots of such, a pattern takes; undefined if it takes none. */
function onSurface(pattern: readonly Segment[]): string | undefined {
  const [first] = pattern;
  if (first === undefined) return undefined;
  const root = SURFACE_ROOTS.find((name) => !('literal' in first) || first.literal === name);
  if (root !== undefined) return `/${root}`;
  return SURFACE_PATHS.find((path) => matchPath(pattern, path) !== undefined);
}

function checkRewrite({ at, pattern, rewrite }: ReadRoute): Finding[] {
  if (pattern === undefined || rewrite === undefined) return [];
  const known = variablesOf(pattern);
  const unknown = variablesOf(rewrite).filter((name) => !known.includes(name));
  if (unknown.length === 0) return [];
  const expected = `only variables of match.path: ${known.map((name) => `{${name}}`).join(', ') || 'it has none'}`;
  return [{ path: [...at, 'rewrite'], expected }];
}

function checkPair(route: ReadRoute, earlier: ReadRoute): Finding[] {
  const findings: Finding[] = [];
  if (route.name !== undefined && route.name === earlier.name) {
    findings.push({
      path: [...route.at, 'name'],
      expected: `a name that no other route has, as ${indexed(earlier)} does`,
    });
  }
  const sameMethod = route.methods.some((method) => earlier.methods.includes(method));
  if (!sameMethod || route.pattern === undefined || earlier.pattern === undefined) return findings;
  if (comparePatterns(route.pattern, earlier.pattern) === 'ambiguous') {
    const expected = `a path that ${indexed(earlier)} does not match too, or one of the two more specific throughout`;
    findings.push({ path: [...route.at, 'match', 'path'], expected });
  }
  return findings;
}

function indexed({ at, name }: ReadRoute): string {
  return name === undefined
    ? `routes[${String(at[1])}]`
    : `routes[${String(at[1])}] (${JSON.stringify(name)})`;
}
