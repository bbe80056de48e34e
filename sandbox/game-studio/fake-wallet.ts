/** For tests: a wallet of one player that follows the Hub88 rules the studio relies on, and checks every signature. */
import type { KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exactJsonText, parseExactJson } from '../support/exact-json.ts';
import { isSignedBy } from './hub88-signature.ts';

interface WalletCall {
  request_uuid: string;
  transaction_uuid: string;
  reference_transaction_uuid?: string;
  amount?: unknown;
  round?: string;
}
interface Known {
  path: string;
  amount: bigint;
  round: string | undefined;
  reference: string | undefined;
  rolledBack: boolean;
}

export interface FakeWallet {
  url: string;
  balance: bigint;
  calls: number;
  /** The next calls are carried out, and their answers are never sent. */
  swallowAnswers: number;
  transaction(uuid: string): Known | undefined;
  close(): Promise<void>;
}

export async function startFakeWallet(studioKey: KeyObject, balance: bigint): Promise<FakeWallet> {
  const known = new Map<string, Known>();
  const tombstones = new Set<string>();

  const isSame = (before: Known, path: string, call: WalletCall) =>
    before.path === path &&
    before.amount === (call.amount ?? 0n) &&
    before.reference === call.reference_transaction_uuid &&
    before.round === call.round;

  function run(path: string, call: WalletCall): string {
    if (path === '/user/balance' || path === '/user/info') return 'RS_OK';
    const before = known.get(call.transaction_uuid);
    if (before !== undefined) return isSame(before, path, call) ? 'RS_OK' : 'RS_ERROR_DUPLICATE_TRANSACTION';
    const refusal = path === '/transaction/rollback' ? rollBack(call) : move(path, call);
    if (refusal !== undefined) return refusal;
    known.set(call.transaction_uuid, {
      path,
      amount: typeof call.amount === 'bigint' ? call.amount : 0n,
      round: call.round,
      reference: call.reference_transaction_uuid,
      rolledBack: false,
    });
    return 'RS_OK';
  }

  function rollBack(call: WalletCall): string | undefined {
    const target = known.get(call.reference_transaction_uuid ?? '');
    if (target === undefined) tombstones.add(call.reference_transaction_uuid ?? '');
    else if (target.path === '/transaction/rollback') return 'RS_ERROR_TRANSACTION_DOES_NOT_EXIST';
    else if (!target.rolledBack) {
      target.rolledBack = true;
      wallet.balance += target.path === '/transaction/bet' ? target.amount : -target.amount;
    }
    return undefined;
  }

  function move(path: string, call: WalletCall): string | undefined {
    if (typeof call.amount !== 'bigint') return 'RS_ERROR_WRONG_TYPES';
    if (path === '/transaction/bet') {
      if (tombstones.has(call.transaction_uuid)) return 'RS_ERROR_TRANSACTION_ROLLED_BACK';
      if (call.amount > wallet.balance) return 'RS_ERROR_NOT_ENOUGH_MONEY';
      wallet.balance -= call.amount;
      return undefined;
    }
    const bet = call.reference_transaction_uuid ?? '';
    if (tombstones.has(bet) || known.get(bet)?.rolledBack === true) return 'RS_ERROR_TRANSACTION_ROLLED_BACK';
    if (!known.has(bet)) return 'RS_ERROR_TRANSACTION_DOES_NOT_EXIST';
    wallet.balance += call.amount;
    return undefined;
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const raw = Buffer.concat(chunks);
      wallet.calls += 1;
      if (raw.length < Number(request.headers['content-length'])) return;
      const signed = isSignedBy(raw, request.headers['x-hub88-signature']?.toString(), studioKey);
      const call = parseExactJson(raw.toString('utf8')) as WalletCall;
      const status = signed ? run(request.url ?? '', call) : 'RS_ERROR_INVALID_SIGNATURE';
      if (wallet.swallowAnswers > 0) {
        wallet.swallowAnswers -= 1;
        return;
      }
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        exactJsonText({
          status,
          request_uuid: call.request_uuid,
          user: 'player-1',
          currency: 'EUR',
          ...(status === 'RS_OK' ? { balance: wallet.balance < 0n ? 0n : wallet.balance } : {}),
        }),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const wallet: FakeWallet = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    balance,
    calls: 0,
    swallowAnswers: 0,
    transaction: (uuid) => known.get(uuid),
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return wallet;
}
