/** A real local chain of a test's own (anvil), with tokens of ours on it, and the hand that moves its time. */
import { readFileSync } from 'node:fs';
import {
  createTestClient,
  createWalletClient,
  encodeFunctionData,
  http,
  parseEther,
  publicActions,
  type Abi,
  type Address,
  type Hash,
  type Hex,
} from 'viem';
import { foundry } from 'viem/chains';
import { privateKeyToAccount } from 'viem/accounts';
import { findAnvil } from '#platform/anvil-binary.ts';
import { freePort } from './ports.ts';
import { startProcess } from './processes.ts';

/** The first of anvil's well-known accounts; it has ether and deploys. */
const faucetKey = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80';

const artefact = JSON.parse(
  readFileSync(new URL('../../sandbox/chain/test-token.json', import.meta.url), 'utf8'),
) as { abi: Abi; bytecode: Hex };

/** Null where this machine has no anvil; tests of the chain are then skipped, never in CI. */
export const anvilBinary = findAnvil();

export async function startAnvil() {
  if (anvilBinary === null) throw new Error('There is no anvil on this machine.');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = await startProcess({
    command: anvilBinary,
    args: ['--host', '127.0.0.1', '--port', String(port), '--slots-in-an-epoch', '4', '--no-mining'],
    isReady: (output) => output.includes('Listening on'),
  });
  const transport = http(url, { retryCount: 0 });
  const node = createTestClient({ mode: 'anvil', chain: foundry, transport }).extend(publicActions);
  const account = privateKeyToAccount(faucetKey);
  const faucet = createWalletClient({ account, chain: foundry, transport });

  const mined = async (hash: Hash): Promise<Hash> => {
    await node.mine({ blocks: 1 });
    const { status } = await node.getTransactionReceipt({ hash });
    if (status !== 'success') throw new Error(`${hash} failed`);
    return hash;
  };
  const call = (token: Address, functionName: string, args: readonly unknown[]): Promise<Hash> =>
    faucet.sendTransaction({
      to: token,
      data: encodeFunctionData({ abi: artefact.abi, functionName, args }),
      gas: 200_000n,
    });

  return {
    url,
    node,
    faucet: account.address,
    server,
    /** Without mining: what a payer does. */
    pay: (token: Address, to: string, raw: bigint): Promise<Hash> => call(token, 'transfer', [to, raw]),
    payCoin: (to: string, ether: string): Promise<Hash> =>
      faucet.sendTransaction({ to: to as Address, value: parseEther(ether), gas: 21_000n }),
    mint: async (token: Address, to: string, raw: bigint) => mined(await call(token, 'mint', [to, raw])),
    setRefusing: async (token: Address, value: boolean) => mined(await call(token, 'setRefusing', [value])),
    mine: (blocks: number): Promise<void> => node.mine({ blocks }),
    /** Replaces the newest blocks by empty ones: what they held is in no block any more. */
    reorg: (depth: number): Promise<unknown> =>
      node.request({ method: 'anvil_reorg', params: [depth, []] } as never),
    tokenBalance: async (token: Address, owner: string): Promise<bigint> =>
      (await node.readContract({
        abi: artefact.abi,
        address: token,
        functionName: 'balanceOf',
        args: [owner],
      })) as bigint,
    deploy: async (symbol: string, decimals: number): Promise<Address> => {
      const hash = await faucet.deployContract({
        abi: artefact.abi,
        bytecode: artefact.bytecode,
        args: [symbol, decimals],
        gas: 2_000_000n,
      });
      await mined(hash);
      const { contractAddress } = await node.getTransactionReceipt({ hash });
      if (!contractAddress) throw new Error('The token was not deployed');
      return contractAddress;
    },
    stop: () => server.stop(),
  };
}

export type Anvil = Awaited<ReturnType<typeof startAnvil>>;
