/** What the Hub88 wallet dialect and its Caleta relative do differently; everything else they share. */
import type { Hub88Status } from '#domain/games/hub88.ts';
import { balanceCall, balanceCallWithUser } from './hub88-schemas.ts';

export type RsOperation = 'info' | 'check' | 'balance' | 'bet' | 'win' | 'rollback';

export type RsDialect = {
  readonly name: 'hub88' | 'caleta';
  readonly signatureHeader: string;
  /** Path of each call after `/wallet/{name}/{integration}/`; a call without one is not offered. */
  readonly paths: Readonly<Partial<Record<RsOperation, string>>>;
  /** The field that names the player. */
  readonly userField: 'user' | 'supplier_user';
  readonly balanceCall: typeof balanceCall | typeof balanceCallWithUser;
  readonly limitStatus: Hub88Status;
  /** Caleta shows no balance on any error; Hub88 as the integration wants it. */
  readonly mayShowBalanceOnErrors: boolean;
};

export const hub88Dialect: RsDialect = {
  name: 'hub88',
  signatureHeader: 'x-hub88-signature',
  paths: {
    info: 'user/info',
    balance: 'user/balance',
    bet: 'transaction/bet',
    win: 'transaction/win',
    rollback: 'transaction/rollback',
  },
  userField: 'user',
  balanceCall,
  limitStatus: 'RS_ERROR_LIMIT_REACHED',
  mayShowBalanceOnErrors: true,
};

export const caletaDialect: RsDialect = {
  name: 'caleta',
  signatureHeader: 'x-auth-signature',
  paths: {
    check: 'wallet/check',
    balance: 'wallet/balance',
    bet: 'wallet/bet',
    win: 'wallet/win',
    rollback: 'wallet/rollback',
  },
  userField: 'supplier_user',
  balanceCall: balanceCallWithUser,
  limitStatus: 'RS_ERROR_BET_LIMIT_EXCEEDED',
  mayShowBalanceOnErrors: false,
};

/** The body with the player under `user`, whatever the dialect calls it. */
export function withUser(dialect: RsDialect, body: unknown): unknown {
  if (dialect.userField === 'user' || typeof body !== 'object' || body === null || Array.isArray(body))
    return body;
  const { user: _, ...rest } = body as Readonly<Record<string, unknown>>;
  const named = dialect.userField in rest ? { user: rest[dialect.userField] } : {};
  return { ...rest, ...named };
}
