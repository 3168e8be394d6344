import { TOKEN_EXPECTED, TOKEN_PATTERN } from '../policy/admin-token.ts';
import type { Problem } from './problems.ts';
import type { Environment } from './secrets.ts';

/** The environment variable that holds the admin token. It is no setting: profiles are read, copied and shown. */
export const ADMIN_TOKEN = 'REPRISE_ADMIN_TOKEN';

/** The admin token, as the environment says it. An empty variable is how container files say "not set". */
export function adminToken(env: Environment): string | undefined {
  return env[ADMIN_TOKEN] || undefined;
}

/** What is wrong with the admin token; never says the token. `required` is the setting `admin.token_required`. */
export function checkAdminToken(env: Environment, required: boolean): readonly Problem[] {
  const token = adminToken(env);
  if (token === undefined ? !required : TOKEN_PATTERN.test(token)) return [];
  const got = token === undefined ? 'nothing' : `a text of ${token.length} characters`;
  const why = token === undefined ? ', which admin.token_required asks for' : '';
  return [{ where: ADMIN_TOKEN, path: '', got, expected: `an admin token${why}: ${TOKEN_EXPECTED}` }];
}
