/** Lets a request through as staff, by bearer token only: a browser sends none by itself, so there is nothing to forge. */
import { createMiddleware } from 'hono/factory';
import { resolveOperatorSession } from '#activities/backoffice/commands/sessions.ts';
import { hashOperatorToken } from '#activities/tokens.ts';
import { everyBrand, mayDo, maySeeBrand, type Permission } from '#domain/backoffice/roles.ts';
import { fail, FailureError, orThrow } from '#domain/failures.ts';
import type { ApiDeps, ApiEnv, OperatorIdentity } from './context.ts';
import { bearerToken } from './pam-guard.ts';
import { logOf } from './request-start.ts';

/** Sets c.var.operator. Without a permission any signed-in operator passes. */
export const requireOperator = (deps: Pick<ApiDeps, 'db'>, permission?: Permission) =>
  createMiddleware<ApiEnv>(async (c, next) => {
    const token = bearerToken(c);
    if (token === undefined) {
      c.header('WWW-Authenticate', 'Bearer');
      throw new FailureError(fail('not-authenticated', 'Send the session token as a bearer token.').failure);
    }
    const session = orThrow(await resolveOperatorSession(deps.db, hashOperatorToken(token)));
    if (permission !== undefined && !mayDo(session.roles, permission)) {
      throw new FailureError(fail('forbidden', `This needs the permission ${permission}.`).failure);
    }
    c.set('operator', session);
    c.set('log', logOf(c).child({ operatorId: session.operatorId }));
    await next();
  });

/**
 * Whether a row's brand is in the operator's scope. Where it is not, the row is answered for in the very words of one that
 * is not there: an answer that differed would tell that it is.
 */
export const maySee = (operator: OperatorIdentity, brand: string): boolean =>
  maySeeBrand(operator.brands, brand);

/** For a brand that the caller names. */
export function requireBrand(operator: OperatorIdentity, brand: string): void {
  if (!maySee(operator, brand)) {
    throw new FailureError(fail('not-found', 'There is nothing at this address.').failure);
  }
}

/**
 * The row that an address names, for an operator who may see its brand. To anybody else there is none, in the same words:
 * an answer that differed would tell that it is there. A row without a brand is everybody's who holds the permission.
 */
export function requireVisible<Row extends { readonly brand: string | null }>(
  operator: OperatorIdentity,
  row: Row | undefined,
): Row {
  if (row === undefined)
    throw new FailureError(fail('not-found', 'There is nothing at this address.').failure);
  if (row.brand !== null) requireBrand(operator, row.brand);
  return row;
}

/** For what cannot be divided by brand, such as a PSP's settlement file: only whoever may see every brand may see it. */
export function requireAllBrands(operator: OperatorIdentity): void {
  if (brandScope(operator) !== null)
    throw new FailureError(
      fail('forbidden', 'This is about all brands at once, and your account is limited to some.').failure,
    );
}

/** The brands to filter a list by; null means all. Never empty, because SQL has no empty list: '' is no brand's name. */
export const brandScope = ({ brands }: OperatorIdentity): readonly string[] | null => {
  if (brands.includes(everyBrand)) return null;
  return brands.length > 0 ? brands : [''];
};
