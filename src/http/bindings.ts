import { createRouteEndpoint, type Route } from '../endpoints/route.ts';
import { type TaggedEndpoint, withTags } from '../endpoints/tagged.ts';
import type { TagRules } from '../policy/tag-rules.ts';
import { fillPath, mustParsePattern, variablesOf } from '../shared/path-pattern.ts';
import { choose, type Offer } from '../upstream/choose.ts';
import { join, joinBelow } from '../upstream/target.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Binding } from './classify.ts';

/** A route of the profile, with where it leads. */
export interface BoundRoute extends Route {
  /** The name of its upstream. */
  readonly upstream: string;
  /** The path at the upstream, with the route's variables; the request's own if absent. */
  readonly rewrite?: string | undefined;
}

/** Binds the API's endpoints to the upstreams that take them. `offers` are in the order in which they are tried. */
export function bindEndpoints(
  endpoints: readonly TaggedEndpoint[],
  offers: readonly (Offer & { readonly upstream: Upstream })[],
  fallback: Upstream,
): Binding[] {
  return endpoints.flatMap((endpoint) =>
    endpoint.paths.map((path) => ({
      endpoint,
      pattern: mustParsePattern(path),
      choose: (model) => choose(offers, endpoint.name, model)?.upstream ?? fallback,
      target: (upstream, path, query) => join(upstream.baseUrl, path, query),
      route: false,
    })),
  );
}

/** Binds the profile's routes, the more specific of two that overlap first, each with the rules for its tags. */
export function bindRoutes<Bound extends BoundRoute>(
  routes: readonly Bound[],
  upstreams: ReadonlyMap<string, Upstream>,
  rulesOf: (route: Bound) => TagRules,
): Binding[] {
  const bound = routes.map((route): Binding => {
    const upstream = upstreams.get(route.upstream);
    if (upstream === undefined) throw new Error(`route ${route.name} leads to no upstream`);
    const there = route.rewrite === undefined ? undefined : mustParsePattern(route.rewrite);
    return {
      endpoint: withTags(createRouteEndpoint(route), rulesOf(route), 'user'),
      pattern: mustParsePattern(route.match.path),
      choose: () => upstream,
      target: (_upstream, path, query, params) =>
        joinBelow(upstream.baseUrl, there === undefined ? path : fillPath(there, params), query),
      rewrite: route.rewrite,
      route: true,
    };
  });
  return bound.sort((one, other) => literals(other) - literals(one));
}

// Of two patterns that overlap the profile's check has made sure that one is more specific segment by segment: it is
// the one with more literal segments.
function literals({ pattern }: Binding): number {
  return pattern.length - variablesOf(pattern).length;
}
