import assert from 'node:assert/strict';
import { test } from 'node:test';
import { folderWith, linesOf, load, settingsOf } from './support.ts';

const RULE =
  'a tag, such as "product:{id}", or a map of tag and json, header, query, request, request_header or text';
const SOURCES = 'beside tag one of json, header, query, request, request_header or text';
const TEMPLATE = 'a tag of at most 256 characters, with {names} in braces, such as "product:{id}"';
const PATH =
  'a JSONPath (RFC 9535) of at most 512 characters without match() and search(), such as "$.hits[*].id"';
const PATTERN =
  'a regular expression in RE2 syntax (no lookahead, no backreferences) of moderate size, that does not match the empty text';

/** A rule of a route whose path has the variable `id`, and what a user sees after its place. */
const MISTAKES: readonly (readonly [rule: string, line: string])[] = [
  ['7', `: got 7, expected ${RULE}`],
  ['[a]', `: got ["a"], expected ${RULE}`],
  ['{ json: "$.a" }', `: got a map, expected ${RULE}`],
  ['{ tag: 7, json: "$.a" }', `: got a map, expected ${RULE}`],
  ['{ tag: a, jsn: "$.a" }', '.jsn: got an unknown key, expected a known one; the nearest is "json"'],
  ['{ tag: a }', `: got none of them, expected ${SOURCES}`],
  ['{ tag: a, json: "$.a", text: b }', `: got json and text, expected ${SOURCES}`],
  ['"product:{"', `: got "product:{", expected ${TEMPLATE}`],
  ['"product:{ID}"', ': got "product:{ID}", expected in braces only {id}'],
  ['{ json: "hits", tag: "{value}" }', `.json: got "hits", expected ${PATH}`],
  [
    '{ request: "$[?match(@.a, \'b\')]", tag: "{value}" }',
    `.request: got "$[?match(@.a, 'b')]", expected ${PATH}`,
  ],
  ['{ json: "$.a", tag: "{id}" }', '.tag: got "{id}", expected in braces only {value}'],
  ['{ json: "$.a", tag: "{1}" }', '.tag: got "{1}", expected in braces only {value}'],
  ['{ text: "(a", tag: "{1}" }', `.text: got "(a", expected ${PATTERN}`],
  ['{ text: "(a)\\\\1", tag: "a" }', `.text: got "(a)\\\\1", expected ${PATTERN}`],
  ['{ text: "(a)b", tag: "{2}" }', '.tag: got "{2}", expected in braces only {0}, {1}'],
  ['{ text: "(a)b", tag: "{value}" }', '.tag: got "{value}", expected in braces only {0}, {1}'],
  ['{ header: "a b", tag: "{value}" }', '.header: got "a b", expected a header name'],
  [
    '{ request_header: Authorization, tag: "{value}" }',
    '.request_header: got "Authorization", expected a header that holds no secret',
  ],
];

for (const [rule, line] of MISTAKES) {
  test(`a mistake in a rule for tags is told at its place: ${rule}`, () => {
    const profile = `routes:\n  - name: a\n    match: { method: GET, path: "/a/{id}" }\n    type: models\n    upstream: default\n    tags: [${rule}]\n`;
    assert.deepEqual(lines(profile), [`profile.yaml:6: routes[0].tags[0]${line}`]);
  });
}

test('the rules of a type know no path', () => {
  const [line] = lines('types: { llm_responses: { tags: ["shop", "product:{id}"] } }\n');
  assert.equal(
    line,
    'profile.yaml:1: types.llm_responses.tags[1]: got "product:{id}", expected a tag without names in braces',
  );
  assert.deepEqual(lines('types: { mine: { ttl: 1s, tags: [{ text: "(", tag: a }] } }\n').length, 1);
});

test('right rules come through as they are written', () => {
  const cwd = folderWith({
    'profile.yaml': `types:
  llm_responses:
    tags: [shop, { text: "SKU-(\\\\d+)", tag: "product:{1}" }, { request: "$.metadata.topic", tag: "topic:{value}" }]
`,
  });
  const settings = settingsOf(load(cwd, { profile: 'profile.yaml' }));
  assert.deepEqual(settings.types.get('llm_responses')?.tags, [
    'shop',
    { text: 'SKU-(\\d+)', tag: 'product:{1}' },
    { request: '$.metadata.topic', tag: 'topic:{value}' },
  ]);
  assert.deepEqual(settings.types.get('products')?.tags, []);
});

function lines(profile: string): string[] {
  return linesOf(load(folderWith({ 'profile.yaml': profile }), { profile: 'profile.yaml' }));
}
