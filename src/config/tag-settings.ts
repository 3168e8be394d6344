import * as z from 'zod';
import { TAG_SOURCES } from '../policy/tag-rules.ts';
import { list, oneOf, section, text } from './fields.ts';

/** What a rule is, in words. */
const TAG_RULE_EXPECTED = `a tag, such as "product:{id}", or a map of tag and ${oneOf(TAG_SOURCES)}`;

/** The setting `tags` of a route or a type: what its entries are tagged with. What stands in a rule is checked in `tag-checks.ts`. */
export function tags() {
  return list(
    z.union([text(TAG_RULE_EXPECTED), rule], { error: TAG_RULE_EXPECTED }),
    'a list of rules',
  ).prefault([]);
}

const source = () => text('a text').optional();

const rule = section({
  tag: text('a tag').describe(
    'The tag; {value} stands for what was found, for a text {1} for what a group took.',
  ),
  json: source().describe('A JSONPath (RFC 9535) over the answer.'),
  header: source().describe('A header of the answer.'),
  query: source().describe('A query parameter.'),
  request: source().describe("A JSONPath over the request's JSON."),
  request_header: source().describe('A header of the request.'),
  text: source().describe("A regular expression (RE2) over the request's text."),
});
