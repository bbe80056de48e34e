/**
 * The entry of every npm script, in the JavaScript of 2017: a Node that is too old cannot read even the imports of what follows,
 * and would show a syntax error of ours where one sentence is due.
 */
const nodeMajorMin = 20;

if (Number(process.versions.node.split('.')[0]) < nodeMajorMin) {
  process.stderr.write(
    `\nNode ${process.versions.node} is too old: Pitboss needs Node ${nodeMajorMin} or newer to install itself, and brings the one that it runs on.\n`,
  );
  process.exitCode = 1;
} else {
  void import('./boot.mjs');
}
