// mqtt.js through a station: QoS 0 to 2, retained messages, a will.
const mqtt = require("mqtt");

const [url, username, password, version] = process.argv.slice(2);
const name = `js/${version}/${url.split(":")[0]}`;
const options = { username, password, protocolVersion: Number(version), reconnectPeriod: 0 };

const next = (client) => new Promise((resolve) => client.once("message", (topic, body, packet) => {
  resolve([topic, body.toString(), packet.qos, packet.retain]);
}));
const expect = (got, wanted) => {
  if (JSON.stringify(got) !== JSON.stringify(wanted)) throw new Error(`${JSON.stringify(got)}, not ${JSON.stringify(wanted)}`);
};

(async () => {
  const client = await mqtt.connectAsync(url, options);
  for (const qos of [0, 1, 2]) {
    const topic = `${name}/${qos}`;
    await client.subscribeAsync(topic, { qos });
    let message = next(client);
    await client.publishAsync(topic, "kept", { qos, retain: true });
    expect(await message, [topic, "kept", qos, false]);
    const late = await mqtt.connectAsync(url, options);
    message = next(late);
    await late.subscribeAsync(topic, { qos });
    expect(await message, [topic, "kept", qos, true]);
    await late.endAsync();
  }
  await client.subscribeAsync(`${name}/will`, { qos: 1 });
  const message = next(client);
  const will = { topic: `${name}/will`, payload: Buffer.from("gone"), qos: 1, retain: false };
  const mortal = await mqtt.connectAsync(url, { ...options, will });
  mortal.stream.destroy();
  expect(await message, [`${name}/will`, "gone", 1, false]);
  await client.endAsync();
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
