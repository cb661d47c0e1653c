// Verifies a PocketCoder ledger export without PocketCoder: Node 18 or newer, this file, nothing else. The format is in ledger.md.
//   node verify-ledger.mjs [--json] [--key <machine signing key>] [--remember <seq>:<hash>]... <export.ndjson>...
// Exit: 0 everything holds, 1 something was found, 2 not an export, not readable, or wrong usage.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { createReadStream } from 'node:fs';

const MAX_LINE = 16 * 1024 * 1024;
const HEX = /^[0-9a-f]{64}$/;
class Unreadable extends Error {} // the file cannot be judged at all
/** Lines split at \n only: other separators may stand inside a line. */
async function* linesOf(path) {
  let rest = '';
  for await (const chunk of createReadStream(path, 'utf8')) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop();
    yield* parts;
    if (rest.length > MAX_LINE) throw new Unreadable('a line is longer than 16 MiB');
  }
  if (rest !== '') yield rest;
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const parse = (text) => { try { const value = JSON.parse(text); return isObject(value) ? value : null; } catch { return null; } };
const printable = (value) => JSON.stringify(String(value)).replace(/[^\x20-\x7e]/g, (c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'));

/** ECDSA P-256 / SHA-256, IEEE P1363; the key is the base64url of an uncompressed point. False for anything malformed. */
function signed(key, text, signature) {
  try {
    const point = Buffer.from(key, 'base64url');
    if (point.length !== 65 || point[0] !== 4) return false;
    const publicKey = createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x: point.toString('base64url', 1, 33), y: point.toString('base64url', 33) } });
    return verify('sha256', Buffer.from(text), { key: publicKey, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'));
  } catch { return false; }
}
/** The rules "decided before done" and "approved = executed"; returns what is wrong with the row, or undefined. */
function decide(row, data, approvals, devices, machineId, count) {
  if (row.kind === 'device_paired') devices.set(row.deviceId, { key: data.deviceSigningKey, revoked: false });
  if (row.kind === 'device_revoked' && devices.has(row.deviceId)) devices.get(row.deviceId).revoked = true;
  if (!/^(approval_(requested|decided|expired)|execution_(started|finished|unknown))$/.test(row.kind)) return;
  if (typeof row.approvalId !== 'string') return 'names no approval';
  const a = approvals.get(row.approvalId) ?? approvals.set(row.approvalId, {}).get(row.approvalId);
  switch (row.kind) {
    case 'approval_requested':
      if (a.digest || !HEX.test(row.digest)) return a.digest ? 'was already requested' : 'has no digest';
      a.digest = row.digest;
      return;
    case 'approval_expired':
      if (!a.digest || a.closed) return 'expires what was not open';
      a.closed = true;
      return;
    case 'approval_decided':
      count.decisions++;
      if (!a.digest || a.closed) return a.digest ? 'decides what was already decided or has expired' : 'decides what was never requested';
      if (row.digest !== a.digest) return 'decides another digest than was requested';
      if (data.decision !== 'allow' && data.decision !== 'deny') return 'is neither allow nor deny';
      Object.assign(a, { closed: true, allowed: data.decision === 'allow', once: data.scope === 'once' });
      return decidedByDevice(row, data, devices, machineId, count);
    case 'execution_started':
      count.executions++;
      if (!a.allowed) return 'starts what was never allowed';
      if (row.digest !== a.digest) return 'starts another digest than was allowed';
      if (a.started && a.once) return 'starts a second time what was allowed once';
      a.started = true;
      return;
    default: return a.started ? undefined : 'ends what never started';
  }
}
function decidedByDevice(row, data, devices, machineId, count) {
  if (data.deviceSigningKey === undefined && data.signed === undefined && data.signature === undefined) return;
  if (!signed(data.deviceSigningKey, String(data.signed), data.signature)) return 'has a wrong device signature';
  const lines = String(data.signed).split('\n');
  const said = [machineId, row.approvalId, row.digest, data.decision, ...(data.scope === undefined ? [] : [data.scope])];
  if (said.some((field) => !lines.includes(field))) return 'has a device signature over something else';
  const device = devices.get(row.deviceId);
  if (!device || device.key !== data.deviceSigningKey) return 'is signed with a key that was not paired for this device';
  if (device.revoked) return 'is signed by a device that was revoked before';
  count.signed++;
}

/** Verifies one export; findings about the chain end the run, since nothing above them can be judged. */
async function verifyExport(path, options) {
  const findings = [], approvals = new Map(), devices = new Map();
  const count = { decisions: 0, signed: 0, executions: 0 };
  let header, end, seq = 0, hash = '0'.repeat(64);
  const find = (at, what, detail) => { findings.push({ seq: at, what, detail }); return false; };
  const chain = (line) => {
    if (end) return find(seq, 'extra', 'something follows the signed head');
    if (isObject(line?.head)) { end = line; return true; }
    const at = seq + 1, row = typeof line?.body === 'string' ? parse(line.body) : null;
    if (!line || typeof line.body !== 'string') return find(at, 'altered', 'the line is not a row');
    if (line.seq !== at) return find(at, 'gap', `row ${at} is missing`);
    const computed = createHash('sha256').update(Buffer.from(hash, 'hex')).update(line.body, 'utf8').digest('hex');
    if (line.hash !== computed) return find(at, 'altered', `row ${at} does not follow from row ${seq}: its text or hash was altered, or the row before it was`);
    if (options.remember.some(([n, h]) => n === at && h !== computed)) return find(at, 'rewritten', `row ${at} has another hash than was remembered`);
    if (row?.v !== 1 || row.seq !== at || row.machineId !== header.machineId || typeof row.kind !== 'string' || !isObject(row.data)) return find(at, 'body', `the body of row ${at} is no body of this ledger`);
    if (at === 1 && (row.kind !== 'ledger_opened' || row.data.ledgerEpoch !== header.ledgerEpoch)) return find(1, 'epoch', 'the first row does not open this ledger');
    [seq, hash] = [at, computed];
    const problem = decide(row, row.data, approvals, devices, header.machineId, count);
    if (problem) find(at, 'undecided', `row ${at} (${row.kind}) ${problem}`);
    return true;
  };
  for await (const text of linesOf(path)) {
    if (header && !chain(parse(text))) break;
    if (header) continue;
    header = parse(text);
    if (header?.format !== 'pocketcoder-ledger-export-1' || typeof header.machineId !== 'string' || typeof header.ledgerEpoch !== 'string') throw new Unreadable('this is no ledger export');
  }
  if (!header) throw new Unreadable('the file is empty');
  if (findings.every((f) => f.what === 'undecided')) checkHead();
  return { file: path, ok: findings.length === 0, machineId: header.machineId, ledgerEpoch: header.ledgerEpoch, rows: seq, head: { seq, hash }, signingKey: header.signingKey,
    keyGiven: options.key !== undefined, approvals: approvals.size, ...count, devices: [...devices].map(([id, d]) => ({ id, ...d })), findings };

  function checkHead() {
    for (const [at] of options.remember) if (at > seq) find(at, 'truncated', `row ${at} was remembered, but the export ends at row ${seq}`);
    if (!end) return find(seq, 'truncated', 'the signed head is missing');
    const { head } = end, text = `pocketcoder-ledger-head-v1\n${header.machineId}\n${head.epoch}\n${head.seq}\n${head.hash}`;
    if (head.epoch !== header.ledgerEpoch || head.seq !== seq || head.hash !== hash) find(seq, 'head', 'the signed head is not the last row');
    else if (options.key !== undefined && options.key !== header.signingKey) find(seq, 'head', 'the head is signed with another key than the one given');
    else if (!signed(header.signingKey, text, end.signature)) find(seq, 'head', "the head's signature is wrong");
  }
}
function describe(r) {
  if (r.error) return `UNREADABLE  ${printable(r.file)}: ${r.error}`;
  const out = [`${r.ok ? 'HOLDS' : 'BROKEN'}  ${printable(r.file)}`, `  machine ${printable(r.machineId)}, ${r.rows} rows, head ${r.head.seq}:${r.head.hash}`,
    `  ${r.approvals} approvals, ${r.decisions} decisions (${r.signed} signed by a paired device), ${r.executions} executions`,
    `  machine key ${printable(r.signingKey)} ${r.keyGiven ? 'as given' : '- taken from the export: compare it with the one your phone shows, or pass --key'}`];
  return [...out, ...r.devices.map((d) => `  device ${printable(d.id)} key ${printable(d.key)}${d.revoked ? ' revoked' : ''}`), ...r.findings.map((f) => `  ${f.what} at ${f.seq}: ${printable(f.detail)}`)].join('\n');
}

function usage(message) { console.error(`${message}\nusage: node verify-ledger.mjs [--json] [--key base64url] [--remember seq:hash]... file...`); process.exit(2); }
const options = { remember: [] }, files = [], args = process.argv.slice(2);
while (args.length) {
  const arg = args.shift();
  if (arg === '--json') options.json = true;
  else if (arg === '--key') options.key = args.shift() ?? usage('--key needs a value');
  else if (arg === '--remember') {
    const [, at, hash] = /^([1-9][0-9]{0,14}):([0-9a-f]{64})$/i.exec(args.shift() ?? '') ?? usage('--remember needs seq:hash');
    options.remember.push([Number(at), hash.toLowerCase()]);
  } else if (arg.startsWith('-')) usage(`unknown option ${printable(arg)}`);
  else files.push(arg);
}
if (!files.length) usage('no file given');
let exit = 0;
for (const file of files) {
  const result = await verifyExport(file, options).catch((e) => ({ file, ok: false, error: e instanceof Unreadable || e.code ? e.message : `bug in the verifier: ${e.stack}` }));
  exit = Math.max(exit, result.error ? 2 : result.ok ? 0 : 1);
  console.log(options.json ? JSON.stringify(result) : describe(result));
}
process.exitCode = exit;
