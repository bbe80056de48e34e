/** The world around a local chain: deploys the token once, and gives play money to whoever asks. The node is a process of its own. */
import { readFileSync } from 'node:fs';
import {
  createTestClient,
  createWalletClient,
  encodeFunctionData,
  getContractAddress,
  http,
  parseEther,
  parseUnits,
  publicActions,
  type Abi,
  type Hash,
  type Hex,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { foundry } from 'viem/chains';
import { z } from 'zod';
import { portVariable } from '../support/environment.ts';
import { createLog } from '../support/json-log.ts';
import { createPartyApp, serveParty } from '../support/party-server.ts';

/** The first of anvil's well-known accounts: it has ether on every fresh chain. */
const account = privateKeyToAccount('0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80');
/** What its first transaction deploys, on every fresh chain the same. */
const token = getContractAddress({ from: account.address, nonce: 0n });
const tokenPlaces = 6;

const artefact = JSON.parse(readFileSync(new URL('./test-token.json', import.meta.url), 'utf8')) as {
  abi: Abi;
  bytecode: Hex;
};
const log = createLog('chain');
const chainPort = portVariable('CHAIN_PORT');
const transport = http(`http://127.0.0.1:${chainPort}`, { retryCount: 0 });
const node = createTestClient({ mode: 'anvil', chain: foundry, transport }).extend(publicActions);
const faucet = createWalletClient({ account, chain: foundry, transport });

await untilUp();
if ((await node.getCode({ address: token })) === undefined)
  await mined(await faucet.deployContract({ ...artefact, args: ['USDT', tokenPlaces], gas: 2_000_000n }));

const app = createPartyApp(log);
const amount = z.string().regex(/^\d{1,9}(\.\d{1,6})?$/);
const gift = z.strictObject({
  address: z.string().regex(/^0x[0-9a-fA-F]{40}$/),
  token: amount.optional(),
  ether: amount.optional(),
});
app.post('/_faucet', async (c) => {
  const asked = gift.safeParse(await c.req.json().catch(() => null));
  if (!asked.success) return c.json({ error: 'invalid' }, 400);
  const to = asked.data.address as `0x${string}`;
  const hashes: Hash[] = [];
  if (asked.data.token !== undefined) {
    const args = [to, parseUnits(asked.data.token, tokenPlaces)];
    const data = encodeFunctionData({ abi: artefact.abi, functionName: 'mint', args });
    hashes.push(await mined(await faucet.sendTransaction({ to: token, data, gas: 200_000n })));
  }
  if (asked.data.ether !== undefined)
    hashes.push(await mined(await faucet.sendTransaction({ to, value: parseEther(asked.data.ether) })));
  return c.json({ transactions: hashes });
});
app.post('/_mine', async (c) => {
  const asked = z
    .strictObject({ blocks: z.int().min(1).max(500) })
    .safeParse(await c.req.json().catch(() => null));
  if (!asked.success) return c.json({ error: 'invalid' }, 400);
  await node.mine(asked.data);
  return c.json({ height: Number(await node.getBlockNumber()) });
});
app.get('/_chain', (c) => c.json({ url: `http://127.0.0.1:${chainPort}`, chainId: foundry.id, token }));

await serveParty(app, portVariable(), log, async () => {});

async function untilUp(): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const height = await node.getBlockNumber().catch(() => null);
    if (height !== null) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the node of the chain does not answer');
}

async function mined(hash: Hash): Promise<Hash> {
  await node.waitForTransactionReceipt({ hash, pollingInterval: 50 });
  return hash;
}
