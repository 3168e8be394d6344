import { CREDENTIAL_HEADERS } from '../openai/credential-headers.ts';
import { JSON_PATH_EXPECTED, parseJsonPath } from '../openai/json-path.ts';
import { TAG_SOURCES } from '../policy/tag-rules.ts';
import { parsePattern, variablesOf } from '../shared/path-pattern.ts';
import { parseTagTemplate, TAG_TEMPLATE_EXPECTED } from '../shared/tag-template.ts';
import { parseTextPattern, TEXT_PATTERN_EXPECTED } from '../shared/text-pattern.ts';
import { oneOf } from './fields.ts';
import type { Finding } from './problems.ts';
import { HEADER_NAME } from './route-settings.ts';
import { type Path, valueAt } from './tree.ts';

/** What is wrong with the rules for tags of types and routes: `raw` are the profile's plain values. */
export function checkTags(raw: unknown, types: readonly string[]): Finding[] {
  const routes = valueAt(raw, ['routes']);
  return [
    ...types.flatMap((name) => checkList(raw, ['types', name, 'tags'], [])),
    ...(Array.isArray(routes) ? routes : []).flatMap((_, index) => {
      const path = valueAt(raw, ['routes', index, 'match', 'path']);
      const pattern = typeof path === 'string' ? parsePattern(path) : undefined;
      return checkList(raw, ['routes', index, 'tags'], pattern && variablesOf(pattern));
    }),
  ];
}

/** `variables` are the names that a tag by itself may have in braces; undefined where they are not known. */
function checkList(raw: unknown, at: Path, variables: readonly string[] | undefined): Finding[] {
  const rules = valueAt(raw, at);
  return (Array.isArray(rules) ? rules : []).flatMap((rule: unknown, index) => {
    const path = [...at, index];
    return typeof rule === 'string' ? checkTemplate(rule, path, variables) : checkRule(rule, path);
  });
}

function checkRule(rule: unknown, path: Path): Finding[] {
  const field = (name: string) => {
    const value = valueAt(rule, [name]);
    return typeof value === 'string' ? value : undefined;
  };
  const tag = field('tag');
  if (tag === undefined) return [];
  const sources = TAG_SOURCES.filter((name) => valueAt(rule, [name]) !== undefined);
  const [source] = sources;
  if (source === undefined || sources.length > 1) {
    // What should be there may be the key that is not known.
    if (Object.keys(Object(rule)).length > sources.length + 1) return [];
    const got = sources.length === 0 ? 'none of them' : sources.join(' and ');
    return [{ path, got, expected: `beside tag one of ${oneOf(TAG_SOURCES)}` }];
  }
  const written = field(source);
  if (written === undefined) return [];
  const expected = CHECKS[source](written);
  if (expected !== undefined) return [{ path: [...path, source], expected }];
  return checkTemplate(tag, [...path, 'tag'], source === 'text' ? groupsOf(written) : ['value']);
}

function checkTemplate(text: string, path: Path, known: readonly string[] | undefined): Finding[] {
  const template = parseTagTemplate(text);
  if (template === undefined) return [{ path, expected: TAG_TEMPLATE_EXPECTED }];
  if (known === undefined || template.names.every((name) => known.includes(name))) return [];
  const names = known.map((name) => `{${name}}`).join(', ');
  return [{ path, expected: names === '' ? 'a tag without names in braces' : `in braces only ${names}` }];
}

function groupsOf(pattern: string): string[] {
  return Array.from({ length: (parseTextPattern(pattern)?.groups ?? 0) + 1 }, (_, group) => String(group));
}

/** For each source, what would be right where it is not. */
const CHECKS: Readonly<Record<(typeof TAG_SOURCES)[number], (written: string) => string | undefined>> = {
  json: jsonPath,
  request: jsonPath,
  text: (written) => (parseTextPattern(written) === undefined ? TEXT_PATTERN_EXPECTED : undefined),
  query: () => undefined,
  header: (written) => (HEADER_NAME.test(written) ? undefined : 'a header name'),
  request_header(written) {
    if (!HEADER_NAME.test(written)) return 'a header name';
    // Tags are kept, logged and shown.
    return SECRET.has(written.toLowerCase()) ? 'a header that holds no secret' : undefined;
  },
};

function jsonPath(written: string): string | undefined {
  return parseJsonPath(written) === undefined ? JSON_PATH_EXPECTED : undefined;
}

const SECRET: ReadonlySet<string> = new Set([...CREDENTIAL_HEADERS, 'cookie', 'proxy-authorization']);
