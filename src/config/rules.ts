import { SURFACE_PATHS, SURFACE_ROOTS } from '../openai/surface.ts';
import { checkAccess } from './access-rules.ts';
import { checkAlerts } from './alert-rules.ts';
import type { Finding } from './problems.ts';
import { checkRoutes } from './route-rules.ts';
import { NAME_EXPECTED, NAME_PATTERN } from './route-settings.ts';
import { settingsSchema } from './schema.ts';
import { checkTags } from './tag-checks.ts';
import { valueAt } from './tree.ts';
import { checkWebhooks } from './webhook-rules.ts';

/**
 * What is wrong with a profile beyond each value by itself: names that are not there, routes in each other's way.
 * `raw` are the plain values before the schema has read them, so that these mistakes are told together with its own;
 * what the schema refuses is passed over here. `mayBeMore` is for a profile that is not known whole: a name that it does
 * not say may yet be there.
 */
export function checkRules(raw: unknown, mayBeMore: boolean): Finding[] {
  const defaults = settingsSchema.parse({});
  const types = namesIn(valueAt(raw, ['types']), defaults.types);
  const upstreams = namesIn(valueAt(raw, ['upstreams']), defaults.upstreams);
  return [
    ...types.flatMap((name) => checkName(name, 'types')),
    ...upstreams.flatMap((name) => [...checkName(name, 'upstreams'), ...checkUpstreamPath(name)]),
    ...checkLoops(upstreams, raw),
    ...checkAdminPort(raw),
    ...checkAccess(raw, upstreams),
    ...checkAlerts(raw),
    ...checkTags(raw, types),
    ...checkRoutes(valueAt(raw, ['routes']), { types, upstreams, mayBeMore, reserved: RESERVED }),
    ...namesIn(valueAt(raw, ['webhooks']), defaults.webhooks).flatMap((name) => checkName(name, 'webhooks')),
    ...checkWebhooks(valueAt(raw, ['webhooks']), mayBeMore ? undefined : types),
  ];
}

/** The first segments of the paths that are the API's and Reprise's own. */
const RESERVED = [...SURFACE_ROOTS, 'monitoring', 'cache', 'webhooks', 'health', 'metrics', 'dashboard'];

/** The names that an upstream cannot have: all of these, and what stands before a path of the API. */
const RESERVED_NAMES = [...RESERVED, ...SURFACE_PATHS.flatMap((path) => /^\/(.+)\//.exec(path)?.[1] ?? [])];

function namesIn(section: unknown, builtIn: ReadonlyMap<string, unknown>): string[] {
  const own = typeof section === 'object' && section !== null ? Object.keys(section) : [];
  return [...new Set([...builtIn.keys(), ...own])];
}

function checkName(name: string, section: string): Finding[] {
  if (NAME_PATTERN.test(name)) return [];
  return [{ path: [section, name], got: 'this name', expected: NAME_EXPECTED }];
}

function checkUpstreamPath(name: string): Finding[] {
  if (!RESERVED_NAMES.includes(name)) return [];
  const got = `a name that would take the path /${name}`;
  return [{ path: ['upstreams', name], got, expected: `a name other than ${RESERVED_NAMES.join(', ')}` }];
}

/** Upstreams that are Reprise itself, as when `OPENAI_BASE_URL` is set for the clients of the same shell. */
function checkLoops(names: readonly string[], raw: unknown): Finding[] {
  const server = settingsSchema.safeParse({ server: valueAt(raw, ['server']) }).data?.server;
  if (server === undefined) return [];
  return names.flatMap((name) => {
    const path = ['upstreams', name, 'base_url'];
    const url = valueAt(raw, path);
    if (typeof url !== 'string' || !URL.canParse(url)) return [];
    const { hostname, port, protocol } = new URL(url);
    const host = hostname.replace(/^\[(.*)\]$/, '$1');
    const samePort = Number(port || (protocol === 'https:' ? 443 : 80)) === server.port;
    const sameHost = host === server.host || (LOCAL.test(host) && LOCAL.test(server.host));
    return samePort && sameHost
      ? [{ path, expected: "an upstream other than the server's own address" }]
      : [];
  });
}

/** One port for two planes that are to be apart. */
function checkAdminPort(raw: unknown): Finding[] {
  const port = valueAt(raw, ['admin', 'port']);
  const settings = settingsSchema.safeParse({ server: valueAt(raw, ['server']), admin: { port } }).data;
  if (settings?.admin.port === undefined || settings.admin.port === 0) return [];
  if (settings.admin.port !== settings.server.port) return [];
  return [{ path: ['admin', 'port'], expected: 'a port other than that of server.port, or none' }];
}

const LOCAL = /^(localhost|127\.[\d.]+|0\.0\.0\.0|::1?)$/;
