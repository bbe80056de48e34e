/** Which choices of an integration its dialect has at all; a flag that would change nothing is refused instead of kept. */
import { fail, succeed, type Result } from '../failures.ts';
import { traitsOf, type WalletDialect } from './dialects.ts';

export type IntegrationFlags = {
  readonly balanceOnInsufficientFunds: boolean;
  readonly tokensRotate: boolean;
  readonly sharesPersonalData: boolean;
  readonly catalogueUrl: string | null;
};

/** What an integration of this dialect starts with; personal data is shared by decision only. */
export const defaultFlags = (dialect: WalletDialect): IntegrationFlags => {
  const traits = traitsOf(dialect);
  return {
    balanceOnInsufficientFunds: traits.choosesBalanceOnRefusal,
    tokensRotate: traits.tokensRotate,
    sharesPersonalData: false,
    catalogueUrl: null,
  };
};

/** `invalid-request` with a pointer for each flag that this dialect does not have. */
export function checkFlags(dialect: WalletDialect, flags: IntegrationFlags): Result<void> {
  const traits = traitsOf(dialect);
  const fields = [
    [flags.balanceOnInsufficientFunds && !traits.choosesBalanceOnRefusal, '/balanceOnInsufficientFunds'],
    [flags.tokensRotate && !traits.tokensRotate, '/tokensRotate'],
    [flags.sharesPersonalData && !traits.namesPlayers, '/sharesPersonalData'],
    [flags.catalogueUrl !== null && !traits.catalogueIsFile, '/catalogueUrl'],
  ] as const;
  const wrong = fields.flatMap(([isWrong, pointer]) =>
    isWrong ? [{ pointer, detail: `${dialect} has nothing of the kind` }] : [],
  );
  if (wrong.length === 0) return succeed(undefined);
  return fail('invalid-request', `The dialect ${dialect} has no such choice.`, { fields: wrong });
}
