"""Every client, version, transport and QoS through one station. Called by `scripts/mqtt-clients`."""

import asyncio
import base64
import json
import logging
import os
import queue
import signal
import subprocess
import sys
import time
import urllib.request

import gmqtt
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.packettypes import PacketTypes

PROGRAM, FOLDER, TOOLS = sys.argv[1:4]
PATIENCE = 20
EUI = "2CF7F12004100005"
# It has something to say of the connection that a will is for.
logging.getLogger("gmqtt").setLevel(logging.CRITICAL)


class Station:
    """A station as a process, on ports that stay the same when it is started again."""

    def __init__(self):
        self.ports, self.process = ["0", "0", "0"], None
        self.start()

    def run(self, *arguments):
        command = [PROGRAM, "--json", *arguments, "--data-dir", FOLDER + "/data"]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)

    def start(self):
        http, mqtt, ws = (f"127.0.0.1:{port}" for port in self.ports)
        command = [PROGRAM, "--json", "serve", "--data-dir", FOLDER + "/data"]
        command += ["--http", http, "--mqtt", mqtt, "--mqtt-ws", ws, "--mqtts", "off"]
        log = open(FOLDER + "/log", "a")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        greeting = json.loads(self.process.stdout.readline())
        self.ports = [greeting[name].rsplit(":", 1)[1] for name in ("url", "mqtt", "mqtt_ws")]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(PATIENCE) == 0

    @property
    def mqtt(self):
        return int(self.ports[1])

    @property
    def websocket(self):
        return int(self.ports[2])

    def http(self, path, headers, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.ports[0]}{path}", data=body, headers=headers)
        return json.load(urllib.request.urlopen(request, timeout=PATIENCE))


class Paho:
    def __init__(self, station, login, version, transport, name="", clean=True, will=None):
        self.messages, self.version = queue.Queue(), version
        protocol = MQTTProtocolVersion.MQTTv5 if version == 5 else MQTTProtocolVersion.MQTTv311
        session = {} if version == 5 else {"clean_session": clean}
        self.client = paho.Client(CallbackAPIVersion.VERSION2, name, transport=transport, protocol=protocol, **session)
        self.client.username_pw_set(*login)
        self.client.on_message = lambda client, data, message: self.messages.put(message)
        events = queue.Queue()
        self.client.on_connect = lambda client, data, flags, code, properties: events.put(code)
        self.client.on_subscribe = lambda client, data, mid, codes, properties: events.put(codes)
        if transport == "websockets":
            self.client.ws_set_options(path="/mqtt")
        if will:
            self.client.will_set(*will)
        options = {}
        if version == 5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 0 if clean else 3600
            options = {"clean_start": clean, "properties": properties}
        port = station.websocket if transport == "websockets" else station.mqtt
        self.client.connect("127.0.0.1", port, **options)
        self.client.loop_start()
        self.events = events
        code = events.get(timeout=PATIENCE)
        assert not code.is_failure, code

    def subscribe(self, topic, qos):
        self.client.subscribe(topic, qos)
        codes = self.events.get(timeout=PATIENCE)
        assert [code.value for code in codes] == [qos], codes

    def publish(self, topic, body, qos, retain=False):
        self.client.publish(topic, body, qos, retain).wait_for_publish(PATIENCE)

    def message(self):
        message = self.messages.get(timeout=PATIENCE)
        return message.topic, message.payload.decode(), message.qos, bool(message.retain)

    def cut(self):
        """Goes without a word."""
        self.client.loop_stop()
        self.client.socket().close()

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


def paho_alone(station, login, version, transport):
    """QoS 0 to 2, retained messages and a will."""
    name = f"paho/{version}/{transport}"
    client = Paho(station, login, version, transport)
    for qos in (0, 1, 2):
        topic = f"{name}/{qos}"
        client.subscribe(topic, qos)
        client.publish(topic, "plain", qos)
        assert client.message() == (topic, "plain", qos, False)
        client.publish(topic, "kept", qos, retain=True)
        assert client.message() == (topic, "kept", qos, False)
        late = Paho(station, login, version, transport)
        late.subscribe(topic, qos)
        assert late.message() == (topic, "kept", qos, True)
        late.close()
    client.subscribe(f"{name}/will", 1)
    Paho(station, login, version, transport, will=(f"{name}/will", "gone", 1, False)).cut()
    assert client.message() == (f"{name}/will", "gone", 1, False)
    client.close()


def mosquitto(station, login, version, transport):
    """mosquitto's own clients; older ones have no WebSockets."""
    name = f"mosquitto/{version}"
    kind = "mqttv5" if version == 5 else "mqttv311"
    common = ["-h", "127.0.0.1", "-p", str(station.mqtt), "-V", kind, "-u", login[0], "-P", login[1]]
    for qos in ("0", "1", "2"):
        topic = f"{name}/{qos}"
        # At QoS 0 it does not wait until the station has it.
        acknowledged = qos if qos != "0" else "1"
        subprocess.run(["mosquitto_pub", *common, "-q", acknowledged, "-t", topic, "-m", "kept", "-r"], check=True)
        command = ["mosquitto_sub", *common, "-q", qos, "-t", topic, "-C", "2", "-W", str(PATIENCE), "-F", "%q %r %p"]
        reader = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert reader.stdout.readline() == f"{qos} 1 kept\n"
        subprocess.run(["mosquitto_pub", *common, "-q", qos, "-t", topic, "-m", "new"], check=True)
        assert reader.stdout.readline() == f"{qos} 0 new\n"
        assert reader.wait(PATIENCE) == 0
    will = ["--will-topic", f"{name}/will", "--will-payload", "gone", "--will-qos", "1"]
    hears = ["mosquitto_sub", *common, "-q", "1", "-W", str(PATIENCE), "-F", "%q %r %p"]
    ready = ["mosquitto_pub", *common, "-q", "1", "-r", "-t", f"{name}/ready", "-m", "ready"]
    subprocess.run(ready, check=True)
    reader = subprocess.Popen([*hears, "-t", f"{name}/will", "-t", f"{name}/ready"], stdout=subprocess.PIPE, text=True)
    assert reader.stdout.readline() == "1 1 ready\n"
    # Whoever hears this has connected, and its will with it.
    gone = subprocess.Popen([*hears, "-t", f"{name}/ready", *will], stdout=subprocess.PIPE, text=True)
    assert gone.stdout.readline() == "1 1 ready\n"
    gone.kill()
    gone.wait()
    assert reader.stdout.readline() == "1 0 gone\n"
    reader.kill()
    reader.wait()


class Gmqtt:
    def __init__(self, name, will=None):
        self.messages, self.connected, self.asked = asyncio.Queue(), asyncio.Event(), asyncio.Event()
        self.client = gmqtt.Client(name, will_message=will)
        # Anything from -1 on tries again at least once.
        self.client.set_config({"reconnect_retries": -2})
        self.client.on_connect = lambda *_: self.connected.set()
        self.client.on_subscribe = lambda *_: self.asked.set()
        self.client.on_message = self.take

    async def take(self, client, topic, payload, qos, properties):
        self.messages.put_nowait((topic, payload.decode(), qos, bool(properties.get("retain"))))
        return 0

    async def come(self, station, login, version):
        self.client.set_auth_credentials(*login)
        await self.client.connect("127.0.0.1", station.mqtt, version=5 if version == 5 else 4)
        await asyncio.wait_for(self.connected.wait(), PATIENCE)
        return self

    async def subscribe(self, topic, qos):
        self.asked.clear()
        self.client.subscribe(topic, qos=qos)
        await asyncio.wait_for(self.asked.wait(), PATIENCE)

    async def message(self):
        return await asyncio.wait_for(self.messages.get(), PATIENCE)


async def gmqtt_alone(station, login, version):
    """QoS 0 to 2, retained messages and a will; it has no WebSockets."""
    name = f"gmqtt/{version}"
    client = await Gmqtt(name).come(station, login, version)
    for qos in (0, 1, 2):
        topic = f"{name}/{qos}"
        await client.subscribe(topic, qos)
        client.client.publish(topic, "plain", qos=qos)
        assert await client.message() == (topic, "plain", qos, False)
        client.client.publish(topic, "kept", qos=qos, retain=True)
        assert await client.message() == (topic, "kept", qos, False)
        late = await Gmqtt(f"{topic}/late").come(station, login, version)
        await late.subscribe(topic, qos)
        assert await late.message() == (topic, "kept", qos, True)
        await late.client.disconnect()
    await client.subscribe(f"{name}/will", 1)
    gone = await Gmqtt(f"{name}/gone", gmqtt.Message(f"{name}/will", "gone", qos=1)).come(station, login, version)
    gone.client._connection._transport.abort()
    assert await client.message() == (f"{name}/will", "gone", 1, False)
    await client.client.disconnect()


def mqtt_js(station, login, version, transport):
    port = station.websocket if transport == "websockets" else station.mqtt
    url = f"ws://127.0.0.1:{port}/mqtt" if transport == "websockets" else f"mqtt://127.0.0.1:{port}"
    environment = {**os.environ, "NODE_PATH": os.path.abspath(TOOLS) + "/node_modules"}
    command = ["node", os.path.join(os.path.dirname(__file__), "matrix.cjs"), url, *login, str(5 if version == 5 else 4)]
    subprocess.run(command, check=True, env=environment, timeout=3 * PATIENCE)


def away_and_back(station, org, key, token):
    """A reader of the stream that was away while the station was killed has everything that is stored, in order."""
    login = (f"org-{org}", key["access_key"])
    stream = f"/device_sensor_data/{org}/+/+/vs/4097"
    begin = 1_783_651_184_000
    up = {"deviceInfo": {"devEui": EUI.lower()}, "fPort": 2, "data": "AQEQmFMAAAECEKh6AACvUQ=="}

    def send(numbers):
        for number in numbers:
            at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime((begin + number * 1000) / 1000)) + ".000Z"
            body = json.dumps({**up, "deduplicationId": f"d{number}", "time": at, "fCnt": number}).encode()
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            station.http("/ingest/chirpstack?event=up", headers, body)

    def come():
        return Paho(station, login, 4, "tcp", name=f"org-{org}-bridge", clean=False)

    client = come()
    client.subscribe(stream, 1)
    send(range(0, 20))
    heard = [client.message() for _ in range(20)]
    client.cut()
    send(range(20, 60))
    station.kill()
    station.start()
    send(range(60, 80))
    client = come()
    wanted = begin + 79 * 1000
    while json.loads(heard[-1][1])["timestamp"] != wanted:
        heard.append(client.message())
    client.close()
    times = [json.loads(body)["timestamp"] for _, body, _, _ in heard]
    # What was acknowledged in the last second may come again; nothing is left out, and nothing is out of order.
    again = times[20:].index(begin + 20 * 1000) if begin + 20 * 1000 in times[20:] else 0
    assert times[20 + again:] == [begin + number * 1000 for number in range(20, 80)], times
    basic = base64.b64encode(f"{key['access_id']}:{key['access_key']}".encode()).decode()
    query = f"device_eui={EUI}&channel_index=1&measurement_id=4097&limit=1000&time_start={begin}&time_end={wanted + 1}"
    answer = station.http(f"/openapi/list_telemetry_data?{query}", {"Authorization": f"Basic {basic}"})
    stored = {(point[1], point[0]) for series in answer["data"]["list"][1] for point in series}
    bodies = (json.loads(body) for _, body, _, _ in heard)
    told = {(time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(body["timestamp"] / 1000)), body["value"]) for body in bodies}
    assert told == stored and len(stored) == 80, (len(told), len(stored), list(stored)[:2], list(told)[:2])


def main():
    station = Station()
    org = station.run("org", "create", "--name", "Farm")["org_id"]
    key = station.run("key", "create", "--org", org)
    station.run("device", "add", "--org", org, "--eui", EUI, "--model", "S2101")
    token = station.run("source", "create", "--org", org, "--kind", "chirpstack")["token"]
    source = station.run("source", "create", "--org", org, "--kind", "mqtt")
    login = (source["source_id"], source["token"])
    try:
        for version in (3, 5):
            for transport in ("tcp", "websockets"):
                paho_alone(station, login, version, transport)
                print(f"paho, MQTT {version}, {transport}: ok", flush=True)
                if os.path.isdir(TOOLS + "/node_modules/mqtt"):
                    mqtt_js(station, login, version, transport)
                    print(f"mqtt.js, MQTT {version}, {transport}: ok", flush=True)
            mosquitto(station, login, version, "tcp")
            print(f"mosquitto_pub and mosquitto_sub, MQTT {version}: ok", flush=True)
            asyncio.run(gmqtt_alone(station, login, version))
            print(f"gmqtt, MQTT {version}: ok", flush=True)
        away_and_back(station, org, key, token)
        print("paho, away while the station was killed: ok", flush=True)
        station.stop()
    finally:
        station.process.kill()


main()
