// Verifies a PocketCoder ledger export without PocketCoder: Node 18 or newer, this file, nothing else. The format is in ledger.md.
//   node verify-ledger.mjs [--json] [--key <machine signing key>] [--remember <seq>:<hash>]... <export.ndjson>...
// Exit: 0 everything holds, 1 something was found, 2 not an export, not readable, or wrong usage.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { createReadStream } from 'node:fs';
const MAX_LINE = 16 * 1024 * 1024;
const HEX = /^[0-9a-f]{64}$/, HALF_ORDER = 0x7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8n;
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
    if (point.length !== 65 || point[0] !== 4 || point.toString('base64url') !== key) return false;
    const publicKey = createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x: point.toString('base64url', 1, 33), y: point.toString('base64url', 33) } });
    return verify('sha256', Buffer.from(text), { key: publicKey, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'));
  } catch { return false; }
}
const sha256 = (text) => createHash('sha256').update(text, 'utf8').digest('hex');
/** The digest over what a request covers (protocol.md, "The digest"): names in ascending order, each text preceded by its length. */
function digestOf(covers) {
  const hash = createHash('sha256');
  for (const text of ['pocketcoder-approval-v2', ...Object.keys(covers).sort().flatMap((name) => [name, covers[name]])]) {
    const bytes = Buffer.from(String(text), 'utf8'), length = Buffer.alloc(8);
    length.writeBigInt64BE(BigInt(bytes.length));
    hash.update(length).update(bytes);
  }
  return hash.digest('hex');
}
/** What an allowance for the turn or the session reaches: requests of the kind that are the same in all of these. Of any other kind there is none. */
const REACH = { command: ['what', 'cwd', 'same', 'meaning'], edit: ['what'], tool: ['directory', 'tool', 'same', 'reads'], network: ['what'], job_input: ['job'] };
const KINDS = new Set(`ledger_opened ledger_restored signing_began ledger_distrusted ledger_accepted machine_started machine_stopped pairing_offered device_paired device_limited device_revoked project_added
  project_removed session_started session_ended session_deleted agent_started turn_interrupted approval_requested approval_agreed approval_decided approval_expired execution_started execution_finished execution_unknown
  execution_refused rule_added rule_removed network_used configuration_changed undo_started undo_finished file_changed alarm_raised terminal_opened terminal_command terminal_closed
  git_changed command_started command_finished command_refused`.split(/\s+/));
const PLACE = ['sessionId', 'turnId', 'sandbox'], TEXTS = [...PLACE, 'approvalId', 'deviceId', 'actor', 'digest'];
const isText = (value) => typeof value === 'string' && !/\p{Surrogate}/u.test(value); // \p{Surrogate} with u: only one that stands alone

/** A request and what its digest covers: returns what is wrong with the row, or undefined. Rows of older versions don't say what their digest covers. */
function requested(a, row, data, state) {
  if (a.digest || !HEX.test(row.digest)) return a.digest ? 'was already requested' : 'has no digest';
  Object.assign(a, { digest: row.digest, row, data, covers: data.covers });
  if (data.covers === undefined) {
    if (state.coversFrom !== undefined) return `does not say what its digest covers, though requests do from row ${state.coversFrom} on`;
    return void state.count.opaque++;
  }
  state.coversFrom ??= row.seq;
  if (!isObject(data.covers) || Object.values(data.covers).some((v) => typeof v !== 'string')) return 'does not say in texts what its digest covers';
  const said = { kind: data.kind, agent: data.agent, tool: data.tool, cwd: data.cwd, what: sha256(String(data.what)), session: row.sessionId, turn: row.turnId, device: row.deviceId, sandbox: row.sandbox };
  const other = Object.keys(said).find((name) => said[name] !== data.covers[name]);
  if (other !== undefined) return `says another ${other} than its digest covers`;
  return digestOf(data.covers) === row.digest ? undefined : 'has a digest over something else than it says';
}
/** The rules "decided before done" and "approved = executed"; returns what is wrong with the row, or undefined. */
function decide(row, data, state) {
  const { approvals, devices, count } = state;
  if (!KINDS.has(row.kind)) return 'is of a kind that is not known here';
  if (row.kind === 'device_paired') devices.set(row.deviceId, { key: data.deviceSigningKey, platform: data.platform, person: data.person, revoked: false });
  if (row.kind === 'device_limited' && devices.has(row.deviceId)) devices.get(row.deviceId).person = data.person;
  if (row.kind === 'device_revoked' && devices.has(row.deviceId)) devices.get(row.deviceId).revoked = true;
  if (row.kind === 'machine_started' && data.digests === 'pocketcoder-approval-v2') state.coversFrom ??= row.seq;
  if (row.kind === 'machine_started' && data.proofs === 'pocketcoder-proof-v1') state.proofsFrom ??= row.seq;
  if (row.kind === 'approval_requested' && data.twoPeople !== undefined) state.proofsFrom ??= row.seq;
  if (PROOFS[row.kind]) {
    if (TEXTS.some((name) => row[name] !== undefined && !isText(row[name]))) return 'has a field that is no text';
    const own = row.kind !== 'rule_added' || row.approvalId === undefined; // a decision's rule is proved by its decision
    if (data.proof !== undefined && !own) return 'has a proof of its own, though a decision made it';
    if (data.proof === undefined && own && state.proofsFrom !== undefined) return `does not say how it was proved, though such rows do from row ${state.proofsFrom} on`;
    if (data.proof !== undefined) {
      state.proofsFrom ??= row.seq;
      const problem = proved(row, data);
      if (!problem) count.proofs[data.proof] = (count.proofs[data.proof] ?? 0) + 1;
      if (problem && row.kind === 'approval_decided' && approvals.has(row.approvalId)) Object.assign(approvals.get(row.approvalId), { closed: true, decided: row, decision: data });
      if (problem) return problem;
    }
  }
  if (row.kind === 'undo_started') return undone(row, data, state);
  if (row.kind === 'rule_added') return ruled(row, data, state);
  if (!/^(approval_(requested|agreed|decided|expired)|execution_(started|finished|unknown|refused))$/.test(row.kind)) return;
  if (typeof row.approvalId !== 'string') return 'names no approval';
  const a = approvals.get(row.approvalId) ?? approvals.set(row.approvalId, {}).get(row.approvalId);
  if (row.kind === 'approval_requested') return requested(a, row, data, state);
  const moved = a.covers && PLACE.find((name) => row[name] !== a.row[name]);
  if (moved) return `names another ${moved} than the request`;
  if (a.covers && row.digest !== a.digest) return 'names another digest than the request';
  switch (row.kind) {
    case 'approval_expired':
      if (!a.digest || a.closed) return 'expires what was not open';
      a.closed = true;
      return;
    case 'approval_agreed': // the first of two people
    case 'approval_decided': {
      count[row.kind === 'approval_agreed' ? 'agreed' : 'decisions']++;
      if (!a.digest || a.closed) return a.digest ? 'decides what was already decided or has expired' : 'decides what was never requested';
      if (row.digest !== a.digest) return 'decides another digest than was requested';
      if (data.decision !== 'allow' && data.decision !== 'deny') return 'is neither allow nor deny';
      if (row.kind === 'approval_agreed') return byFirst(a, row, data, state);
      Object.assign(a, { closed: true, allowed: data.decision === 'allow', once: data.scope === 'once', decided: row, decision: data });
      const problem = decidedBy(a, row, data, state) ?? (a.data.twoPeople !== undefined && a.allowed ? bySecond(a, row, data, state) : undefined);
      if (problem) a.allowed = a.vouched = false;
      return problem;
    }
    case 'execution_started':
      count.executions++;
      if (!a.allowed) return 'starts what was never allowed';
      if (row.digest !== a.digest) return 'starts another digest than was allowed';
      if (a.started && a.once) return 'starts a second time what was allowed once';
      if (a.covers && (data.what !== a.data.what || data.cwd !== a.data.cwd)) return 'starts something else than was allowed';
      a.started = true;
      return;
    case 'execution_refused': return;
    default: return a.started ? undefined : 'ends what never started';
  }
}
/** The first of two people, who allows it once; it decides nothing by itself. */
function byFirst(a, row, data, state) {
  const problem = a.data.twoPeople === undefined || data.decision !== 'allow' ? 'is the first of two people, where one decides or none allows it' : decidedBy({}, row, data, state) ?? asPerson(row, data, state);
  if (!problem) a.first = { device: row.deviceId, person: data.person };
  return problem;
}
/** The second of two people: another one than the first, whose device is still theirs and was not revoked since. */
function bySecond(a, row, data, state) {
  const { device, person } = a.first ?? {}, its = state.devices.get(device), counts = person !== undefined && (device === undefined || (its && !its.revoked && its.person === person));
  return (data.grant !== undefined ? 'was allowed by an allowance, and two people must' : asPerson(row, data, state))
    ?? (counts && person !== data.person && device !== row.deviceId ? undefined : 'was allowed by one person, and two must');
}
/** Whether it is once, and in the name of the person whose device it is. The owner at the machine is a person without a device. */
function asPerson(row, data, state) {
  const person = row.deviceId === undefined ? 'owner' : state.devices.get(row.deviceId)?.person;
  return data.scope !== 'once' ? 'is not once, as what two people must allow' : isText(data.person) && data.person === person ? undefined : 'names another person than the device is of';
}
/** Whether a row has what its proof needs, and nothing that belongs to another one. What it needs is checked by who reads it: the signature, the allowance. */
const PROOFS = { approval_agreed: ['device-key', 'owner-socket', 'chat-platform'], approval_decided: ['device-key', 'owner-socket', 'grant', 'chat-platform'], undo_started: ['device-key', 'owner-socket'], rule_added: ['owner-socket'] };
function proved(row, data) {
  if (!PROOFS[row.kind].includes(data.proof)) return 'names a proof that is not known here';
  if (data.proof === 'owner-socket') return row.deviceId !== undefined || hasSignature(data) || data.grant !== undefined ? 'says that the owner made it at the machine, and names a device, a signature or an allowance'
    : row.actor !== 'cli' || (row.kind !== 'rule_added' && data.by !== 'cli') ? 'says that the owner made it at the machine, and names another' : undefined;
  if (data.proof === 'chat-platform') return hasSignature(data) || data.grant !== undefined ? 'says that a chat platform vouches for it, and names a signature or an allowance'
    : [row.deviceId, data.platform].every(isText) ? undefined : 'names a chat platform by which nobody was paired for this device';
  if (data.proof === 'grant') return isText(data.grant) ? undefined : 'names an allowance that does not exist';
  if (data.grant !== undefined) return "names a device's key and an allowance";
  const [texts, flag] = row.kind === 'undo_started' ? [['undoId', 'target', 'targetId', 'plan'], 'force'] : [['decisionId', 'decision', 'scope'], 'interrupt'];
  if (![row.deviceId, data.deviceSigningKey, data.signed, data.signature].every(isText)) return 'says that a device signed it, and has no signature of a device';
  if (!texts.every((name) => isText(data[name])) || typeof data[flag] !== 'boolean' || (data.reason !== undefined && !isText(data.reason)) || (row.kind !== 'undo_started' && !data.signed.startsWith('pocketcoder-decision-v2\n')))
    return 'has a device signature over something else';
}
/** Who decided: a device by its signature, an earlier allowance that covers this, or the owner at the machine's command line, for whom only the machine's key speaks. Nobody else can. */
function decidedBy(a, row, data, state) {
  const from = data.grant === undefined ? undefined : state.approvals.get(data.grant);
  if (data.grant !== undefined) {
    const problem = covered(a, row, data, from);
    if (!problem) state.count.granted++;
    a.granted = true;
    return problem;
  }
  if (data.proof === 'chat-platform') {
    const problem = byPlatform(row, data, state);
    a.vouched = !problem;
    return problem;
  }
  if (hasSignature(data) || row.deviceId !== undefined) {
    const problem = decidedByDevice(row, data, state);
    a.vouched = !problem;
    return problem;
  }
  a.vouched = isOwner(row, data, state);
  return a.vouched ? undefined : 'is decided by nobody: no signature of a device, no allowance, and not the owner at the machine';
}
/** A person without keys, paired by this platform and not revoked: only the machine's key speaks for such a row. */
function byPlatform(row, data, state) {
  const person = state.devices.get(row.deviceId);
  if (!person || person.key !== undefined || person.platform !== data.platform) return 'names a chat platform by which nobody was paired for this device';
  if (person.revoked) return 'is decided by a person who was revoked before';
  state.inChat.push(row.seq);
}
const hasSignature = (data) => data.deviceSigningKey !== undefined || data.signed !== undefined || data.signature !== undefined;
function isOwner(row, data, state) {
  if (row.deviceId !== undefined || row.actor !== 'cli' || (row.kind !== 'rule_added' && data.by !== 'cli')) return false;
  state.atMachine.push(row.seq);
  if (data.proof === undefined) state.count.untold++;
  return true;
}
/** Whether the allowance that a decision names exists, was made by somebody, and reaches this request. */
function covered(a, row, data, from) {
  if (hasSignature(data)) return 'names an allowance and bears a signature';
  if (!from?.decided || from === a) return 'names an allowance that does not exist';
  if (!from.allowed || from.granted || !from.vouched) return 'names an allowance that nobody gave';
  if (data.decision !== 'allow' || !['turn', 'session'].includes(from.decision.scope) || data.scope !== from.decision.scope) return 'has another scope than its allowance';
  if (row.deviceId !== from.decided.deviceId) return 'names another device than its allowance';
  if (row.sessionId === undefined || row.sessionId !== from.row.sessionId) return 'is of another session than its allowance';
  if (data.scope === 'turn' && row.turnId !== from.row.turnId) return 'is of another turn than its allowance';
  if (!a.covers || !from.covers) return a.covers && !from.covers ? 'names an allowance of an older version, whose reach can not be told' : undefined;
  const reach = REACH[a.covers.kind];
  if (!reach || a.covers.reach === undefined || from.covers.reach === undefined) return 'is decided by an allowance, though each of its kind is decided by itself';
  const other = ['kind', 'agent', 'project', ...reach].find((name) => a.covers[name] !== from.covers[name]);
  return other === undefined ? undefined : `names an allowance that covers another ${other}`;
}
/** The key's own device, paired and not revoked; the signature canonical: without padding, and the lower s of the two that verify. */
function bySignature(row, data, state) {
  if (!signed(data.deviceSigningKey, String(data.signed), data.signature)) return 'has a wrong device signature';
  const device = state.devices.get(row.deviceId);
  if (!device || device.key !== data.deviceSigningKey) return 'is signed with a key that was not paired for this device';
  if (device.revoked) return 'is signed by a device that was revoked before';
}
function isCanonical(signature) {
  const bytes = Buffer.from(signature, 'base64url');
  return bytes.toString('base64url') === signature && BigInt('0x' + bytes.toString('hex', 32)) <= HALF_ORDER;
}
/** Version 2 of a decision's text: every line has its place; only the lower s of the two that verify is taken. */
function isDecision2(lines, row, data, machineId) {
  const said = [lines[0], machineId, row.approvalId, data.decisionId, row.digest, data.decision, data.scope, sha256(data.reason ?? ''), lines[8], String(data.interrupt)];
  return lines.length === said.length && said.every((line, at) => line === lines[at]) && HEX.test(lines[8]) && isCanonical(data.signature);
}
function decidedByDevice(row, data, state) {
  const wrong = bySignature(row, data, state), lines = String(data.signed).split('\n');
  if (wrong === 'has a wrong device signature') return wrong;
  const said = [state.machineId, row.approvalId, row.digest, data.decision, ...(data.scope === undefined ? [] : [data.scope])];
  const known = lines[0] === 'pocketcoder-decision-v2' ? isDecision2(lines, row, data, state.machineId) : lines[0] === 'pocketcoder-decision-v1' && state.coversFrom === undefined;
  if (said.some((field) => !lines.includes(field)) || !known) return 'has a device signature over something else';
  if (!wrong) state.count.signed++;
  return wrong;
}
/** An undo is a device's, by its signature, or the owner's. */
function undone(row, data, state) {
  if (!hasSignature(data) && row.deviceId === undefined) return isOwner(row, data, state) ? undefined : 'is asked for by nobody: no signature of a device, and not the owner at the machine';
  const text = ['pocketcoder-undo-v1', state.machineId, data.undoId, data.target, data.targetId, data.plan, String(data.force)].join('\n'), wrong = bySignature(row, data, state);
  if (wrong) return wrong;
  if (data.signed !== text || !isCanonical(data.signature) || (data.target === 'approval' && row.approvalId !== data.targetId)) return 'has a device signature over something else';
  state.count.undos++;
}
/** A rule of a project is made by a signed decision about exactly that host, or by the owner. */
function ruled(row, data, state) {
  if (row.approvalId === undefined && row.deviceId === undefined) return isOwner(row, data, state) ? undefined : 'is made by nobody: no decision, and not the owner at the machine';
  const a = state.approvals.get(row.approvalId);
  if (!a?.allowed || !a.vouched || a.decision.scope !== 'project' || a.data.kind !== 'network' || row.deviceId !== a.decided.deviceId) return 'is made by no decision about a rule';
  if (data.pattern !== a.data.what || (a.covers && data.projectId !== a.covers.project)) return 'is another rule than was allowed';
  const days = Math.round((Date.parse(data.expiresAt) - Date.parse(a.decided.at)) / 86_400_000), answers = String(a.decision.signed).split('\n')[8];
  if (answers !== undefined && ![String(days), ...(days === 30 ? [''] : [])].some((text) => sha256(text) === answers)) return 'has another end than was allowed';
}

const ROW = /^(.*),"signature":"([A-Za-z0-9_-]{86})"\}$/s;
/** Once one row bears the machine's signature, all must: one that doesn't was written by something else, and counts only when the machine told that and the owner accepted it, in signed rows. */
function trust(mark, row, body, before, header) {
  const [, text, signature] = ROW.exec(body) ?? [];
  const digest = text === undefined ? '' : createHash('sha256').update(text + '}', 'utf8').digest('hex');
  if (text === undefined || !signed(header.signingKey, `pocketcoder-ledger-row-v1\n${header.machineId}\n${row.seq}\n${before}\n${digest}`, signature)) {
    mark.unsigned = mark.from === undefined ? undefined : mark.unsigned ?? row.seq;
    return;
  }
  mark.from ??= row.seq;
  mark.signatures++;
  if (row.kind === 'ledger_distrusted') Object.assign(mark, { told: row.seq, unsigned: undefined });
  if (row.kind === 'ledger_accepted' && mark.told !== undefined) Object.assign(mark, { accepted: [...mark.accepted, row.seq], told: undefined, undecided: mark.undecided.filter(([at, , , foreign]) => !foreign || at > mark.told) });
}

/** Verifies one export; findings about the chain end the run, since nothing above them can be judged. */
async function verifyExport(path, options) {
  const findings = [], approvals = new Map(), devices = new Map();
  const count = { decisions: 0, agreed: 0, signed: 0, granted: 0, executions: 0, undos: 0, opaque: 0, untold: 0, proofs: {} };
  const state = { approvals, devices, count, atMachine: [], inChat: [], coversFrom: undefined, proofsFrom: undefined, machineId: undefined }, mark = { from: undefined, signatures: 0, unsigned: undefined, told: undefined, accepted: [], undecided: [] };
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
    if (row?.v !== 1 || row.seq !== at || row.machineId !== header.machineId || typeof row.kind !== 'string' || !isObject(row.data)) return find(at, 'body', `row ${at} has a body that is none of this ledger`);
    if (at === 1 && (row.kind !== 'ledger_opened' || row.data.ledgerEpoch !== header.ledgerEpoch)) return find(1, 'epoch', 'the first row does not open this ledger');
    trust(mark, row, line.body, hash, header);
    [seq, hash] = [at, computed];
    const problem = decide(row, row.data, state);
    if (problem) mark.undecided.push([at, 'undecided', `row ${at} (${row.kind}) ${problem}`, mark.unsigned !== undefined]);
    return true;
  };
  for await (const text of linesOf(path)) {
    if (header && !chain(parse(text))) break;
    if (header) continue;
    header = parse(text);
    state.machineId = header?.machineId;
    if (header?.format !== 'pocketcoder-ledger-export-1' || typeof header.machineId !== 'string' || typeof header.ledgerEpoch !== 'string') throw new Unreadable('this is no ledger export');
  }
  if (!header) throw new Unreadable('the file is empty');
  if (!findings.length) checkHead();
  for (const [at, what, detail] of mark.undecided) find(at, what, detail);
  if (mark.unsigned !== undefined) find(mark.unsigned, 'unsigned', `row ${mark.unsigned} is not signed by the machine, though rows before it are: something else wrote it`);
  if (mark.told !== undefined) find(mark.told, 'distrusted', `row ${mark.told} tells that the chain is not the one the machine had signed, and the owner has not accepted that`);
  return { file: path, ok: findings.length === 0, machineId: header.machineId, ledgerEpoch: header.ledgerEpoch, rows: seq, head: { seq, hash }, signingKey: header.signingKey,
    keyGiven: options.key !== undefined, approvals: approvals.size, ...count, atMachine: state.atMachine, inChat: state.inChat, signedFrom: mark.from ?? null, signatures: mark.signatures, accepted: mark.accepted, devices: [...devices].map(([id, d]) => ({ id, ...d })), findings };

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
    `  ${r.approvals} approvals, ${r.decisions} decisions${r.agreed ? ` and ${r.agreed} of a first person of two` : ''} (${r.signed} signed by a paired device, ${r.granted} by an allowance that was), ${r.executions} executions, ${r.undos} undos signed by a paired device`,
    `  machine key ${printable(r.signingKey)} ${r.keyGiven ? 'as given' : '- taken from the export: compare it with the one your phone shows, or pass --key'}`];
  out.push(r.signedFrom === null ? "  no row is signed by the machine: who wrote them stands only on the head's signature" : `  rows from ${r.signedFrom} on are signed by the machine (${r.signatures} signatures checked)`);
  if (r.inChat.length) out.push(`  in a chat, where a platform says who it was and only the machine's key speaks: rows ${r.inChat.join(', ')}`);
  if (r.atMachine.length) out.push(`  at the machine's command line, where the owner has no key and only the machine's key speaks: rows ${r.atMachine.join(', ')}`);
  if (r.untold) out.push(`  ${r.untold} of these are of an older version, which did not say how they were proved: whether the owner made them can not be told`);
  if (r.opaque) out.push(`  ${r.opaque} requests of an older version do not say what their digest covers`);
  if (r.signedFrom > 1) out.push(`  unsigned, from before row ${r.signedFrom}: rows 1 to ${r.signedFrom - 1}`);
  out.push(...r.accepted.map((row) => `  row ${row}: the owner accepted a chain that was not the one the machine had signed`), '  checked: hashes, numbers, the head, signatures of machine and devices, digests, allowances, decided before done; not checked: whether this head is the newest (compare with a phone), and the times');
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
