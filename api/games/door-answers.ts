/**
 * What a wallet call gets that never reaches its handler, such as a body that is too large, a wrong method or an
 * address that is none: an answer in its dialect's own words, since its caller reads no others.
 */
import type { Failure } from '#domain/failures.ts';
import type { DialectDoor } from './dialect-doors.ts';
import type { WalletAnswer, WalletCall } from './wallet-call.ts';

type AnswerAtDoor = (call: WalletCall, failure: Failure) => WalletAnswer | null;

/** The answer where the request came to one of these doors, and null elsewhere. It is logged like any refusal. */
export function answerAt(doors: Readonly<Record<string, DialectDoor>>): AnswerAtDoor {
  const beginnings = Object.entries(doors)
    .flatMap(([dialect, door]) =>
      [door.path, ...(door.otherPaths ?? [])].map((path) => ({
        beginning: `/wallet/${path}/`,
        dialect,
        door,
      })),
    )
    // The longer one is meant: one door may lie inside another.
    .toSorted((one, other) => other.beginning.length - one.beginning.length);
  return (call, failure) => {
    const found = beginnings.find(({ beginning }) => call.path.startsWith(beginning));
    if (!found) return null;
    const { dialect, door } = found;
    call.log().info({ dialect, code: failure.code, method: call.method }, 'wallet call refused');
    return door.refuse(failure);
  };
}
