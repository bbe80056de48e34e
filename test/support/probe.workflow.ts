/** A workflow of this support's own test: waits a month, then asks an activity. */
import { proxyActivities, sleep } from '@temporalio/workflow';

type ProbeActivities = { readonly askProbe: (input: { question: string }) => Promise<{ answer: string }> };

const { askProbe } = proxyActivities<ProbeActivities>({ startToCloseTimeout: '10 s', taskQueue: 'provider' });

export async function probe(question: string): Promise<string> {
  await sleep('30 days');
  const { answer } = await askProbe({ question });
  return answer;
}
