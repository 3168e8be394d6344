import type { PlanInput } from '../endpoints/endpoint.ts';
import type { TaggedEndpoint } from '../endpoints/tagged.ts';
import { isOnSurface } from '../openai/surface.ts';
import { matchPath, type Segment } from '../shared/path-pattern.ts';
import type { Upstream } from '../upstream/upstream.ts';

/** An endpoint as this installation serves it. */
export interface Binding {
  readonly endpoint: TaggedEndpoint;
  /** Of one of its paths. */
  readonly pattern: readonly Segment[];
  /** The upstream for a call; `model` reads the model from the request, for those chosen by it. */
  readonly choose: (model: () => string | undefined) => Upstream;
  /** The upstream's path and query for a request's, put together from bytes. */
  readonly target: (upstream: Upstream, path: string, query: string, params: PlanInput['params']) => string;
  /** How the upstream's path is made of the request's, where that is another: with the path it says what the upstream is asked. */
  readonly rewrite?: string | undefined;
  /** A user's own route, whose answers carry `cache-control: private, no-cache`. */
  readonly route: boolean;
}

/** The binding that takes a request, with its path's variables and the method it is taken as. */
export interface Found {
  readonly binding: Binding;
  readonly params: PlanInput['params'];
  readonly method: string;
}

/**
 * Which binding takes a request; undefined if none does. A HEAD on a
 * route is answered from what a GET brings.
 */
function classify(bindings: readonly Binding[], method: string, path: string): Found | undefined {
  for (const binding of bindings) {
    const as = binding.route && method === 'HEAD' ? 'GET' : method;
    if (!binding.endpoint.methods.includes(as)) continue;
    const params = matchPath(binding.pattern, path);
    if (params !== undefined) return { binding, params, method: as };
  }
  return undefined;
}

/** A path of the OpenAI-compatible surface, and the upstream named in front of it if there is one. */
export interface SurfacePath {
  /** The path without the upstream's name: `/v1/…`, `/openai/…` or one of the few others. */
  readonly path: string;
  readonly named: Upstream | undefined;
}

/** Reads a path as one of the surface, or as `/NAME` before one; undefined for any other. All of the surface is forwarded. */
export function surfacePath(upstreams: ReadonlyMap<string, Upstream>, path: string): SurfacePath | undefined {
  if (isOnSurface(path)) return { path, named: undefined };
  const end = path.indexOf('/', 1);
  const named = end === -1 ? undefined : upstreams.get(path.slice(1, end));
  const rest = path.slice(end);
  return named !== undefined && isOnSurface(rest) ? { path: rest, named } : undefined;
}

/** Where a request leads. */
export interface Place {
  /** Its path as one of the surface; undefined for any other. */
  readonly surface: SurfacePath | undefined;
  /** Undefined where no binding takes it. */
  readonly found: Found | undefined;
  /** Whether it belongs to the data plane: to the surface, or to a route whatever the method. */
  readonly isData: boolean;
}

/** Where a request with this method leads, by its path as sent. */
export function placeOf(
  { bindings, upstreams }: { bindings: readonly Binding[]; upstreams: ReadonlyMap<string, Upstream> },
  method: string,
  path: string,
): Place {
  const surface = surfacePath(upstreams, path);
  const isOfRoute = () =>
    bindings.some((binding) => binding.route && matchPath(binding.pattern, path) !== undefined);
  return {
    surface,
    found: classify(bindings, method, surface?.path ?? path),
    isData: surface !== undefined || isOfRoute(),
  };
}
