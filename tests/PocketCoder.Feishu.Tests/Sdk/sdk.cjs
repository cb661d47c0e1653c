// The platform's own SDK against the fake server: every operation once, then the long connection. Prints one JSON line for each thing
// that happened. Arguments: the fake's address, app id, app secret.
const lark = require("@larksuiteoapi/node-sdk");

const [domain, appId, appSecret] = process.argv.slice(2);
const say = (what, more = {}) => process.stdout.write(JSON.stringify({ what, ...more }) + "\n");
const silent = { error: (...m) => say("log", { text: m.flat().join(" ") }), warn() {}, info() {}, debug() {}, trace() {} };
const CARD = JSON.stringify({ schema: "2.0", config: { update_multi: true }, body: { elements: [] } });

async function rest() {
  const client = new lark.Client({ appId, appSecret, domain, logger: silent });
  const made = await client.im.v1.message.create({
    params: { receive_id_type: "chat_id" },
    data: { receive_id: "oc_1", msg_type: "text", content: JSON.stringify({ text: "hi" }), uuid: "sdk-1" },
  });
  say("create", { code: made.code, id: made.data.message_id });
  const again = await client.im.v1.message.create({
    params: { receive_id_type: "chat_id" },
    data: { receive_id: "oc_1", msg_type: "text", content: JSON.stringify({ text: "hi" }), uuid: "sdk-1" },
  });
  say("create again", { code: again.code, id: again.data.message_id });
  const card = await client.im.v1.message.create({
    params: { receive_id_type: "chat_id" },
    data: { receive_id: "oc_1", msg_type: "interactive", content: CARD },
  });
  say("card", { code: card.code });
  const reply = await client.im.v1.message.reply({
    path: { message_id: card.data.message_id },
    data: { msg_type: "text", content: JSON.stringify({ text: "yes" }), reply_in_thread: true },
  });
  say("reply", { code: reply.code, thread: reply.data.thread_id, parent: reply.data.parent_id });
  const patch = await client.im.v1.message.patch({ path: { message_id: card.data.message_id }, data: { content: CARD } });
  say("patch", { code: patch.code });
  const chat = await client.im.v1.chat.create({
    params: { user_id_type: "open_id", set_bot_manager: true, uuid: "sdk-2" },
    data: { name: "A project", owner_id: "ou_ann", chat_mode: "group", chat_type: "private" },
  });
  say("chat", { code: chat.code });
  const joined = await client.im.v1.chatMembers.create({
    path: { chat_id: chat.data.chat_id },
    params: { member_id_type: "open_id" },
    data: { id_list: ["ou_bob", "ou_cho"] },
  });
  say("join", { code: joined.code });
  const names = [];
  for await (const page of await client.im.v1.chatMembers.getWithIterator({
    path: { chat_id: chat.data.chat_id },
    params: { member_id_type: "open_id", page_size: 2 },
  })) {
    names.push(...page.items.map((m) => m.member_id));
  }
  say("members", { names });
  const kit = await client.cardkit.v1.card.create({ data: { type: "card_json", data: CARD } });
  const cardId = kit.data.card_id;
  say("cardkit", { code: kit.code });
  const stream = await client.cardkit.v1.cardElement.content({
    path: { card_id: cardId, element_id: "out" },
    data: { content: "streamed", sequence: 1, uuid: "sdk-3" },
  });
  say("stream", { code: stream.code });
  const settings = await client.cardkit.v1.card.settings({
    path: { card_id: cardId },
    data: { settings: JSON.stringify({ config: { streaming_mode: false } }), sequence: 2, uuid: "sdk-4" },
  });
  say("settings", { code: settings.code });
  const update = await client.cardkit.v1.card.update({
    path: { card_id: cardId },
    data: { card: { type: "card_json", data: CARD }, sequence: 3, uuid: "sdk-5" },
  });
  say("update", { code: update.code });
  const file = await client.im.v1.messageResource.get({
    path: { message_id: card.data.message_id, file_key: "file_1" },
    params: { type: "file" },
  });
  let size = 0;
  for await (const piece of file.getReadableStream()) size += piece.length;
  say("file", { size });
}

async function events() {
  const dispatcher = new lark.EventDispatcher({ logger: silent }).register({
    "im.message.receive_v1": (data) => {
      say("message", { id: data.message.message_id, text: JSON.parse(data.message.content).text, event: data.event_id });
      if (data.message.content.includes("fail")) throw new Error("as it was asked");
    },
    "card.action.trigger": (data) => {
      say("action", { who: data.operator.open_id, nonce: data.action.value.nonce });
      return { toast: { type: "success", content: "ok" } };
    },
  });
  const client = new lark.WSClient({
    appId,
    appSecret,
    domain,
    logger: silent,
    onReady: () => say("ready"),
    onReconnected: () => say("reconnected"),
    onError: (error) => say("error", { text: String(error) }),
  });
  await client.start({ eventDispatcher: dispatcher });
  // Ends with its input.
  process.stdin.resume();
  process.stdin.on("end", () => {
    client.close({ force: true });
    process.exit(0);
  });
}

rest().then(events).catch((error) => {
  say("failed", { text: String(error.stack), answer: error.response?.data });
  process.exit(1);
});
