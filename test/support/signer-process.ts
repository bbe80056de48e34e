/** The signer as a process of a test's own, with the seed whose public half the crypto world is given. */
import { programPath } from '#platform/joined-programs.ts';
import { freePort } from './ports.ts';
import { answersOk, startProcess } from './processes.ts';

export const signerSecret = 'signer-of-tests-0123456789abcdef';

export async function startSigner(seed: Buffer, token: string, more: Readonly<Record<string, string>> = {}) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const signer = await startProcess({
    args: [programPath('workers/chain-signer.ts')],
    env: {
      PORT: String(port),
      EVM_CHAIN_ID: '31337',
      EVM_TOKENS: `USDT=${token}`,
      EVM_SIGNER_SECRET: signerSecret,
      SIGNER_SEED: seed.toString('hex'),
      SIGNER_PAYOUT_MAX: 'USDT=1000,ETH=1',
      SIGNER_DAY_MAX: 'USDT=5000,ETH=5',
      ...more,
    },
    isReady: () => answersOk(`${url}/healthz`),
  });
  return { url, stop: () => signer.stop() };
}
