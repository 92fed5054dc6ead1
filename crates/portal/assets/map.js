// The map of devices: <div class="map" data-map="URL" …>. Leaflet is loaded before this module as a
// plain script. Names come from people and devices, so they only ever become text nodes.

import { showAge } from "./app.js"; // The same address as in the page, so it runs once.

const { L } = globalThis;

const ZOOM_MAX_FIT = 16;
// So many names may stand beside their devices.
const NAMED_MAX = 40;
const LONGITUDE = 4197;
const LATITUDE = 4198;
const STATES = ["online", "late", "silent"];

const element = (name, className, text) => {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text != null) made.textContent = text;
  return made;
};

const json = async (url) => {
  const answer = await fetch(url, { headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error(`${url}: status ${answer.status}`);
  return answer.json();
};

// Leaflet writes an attribution as HTML.
const escaped = (text) => {
  const holder = element("i", "", text);
  return holder.innerHTML;
};

class DeviceMap {
  constructor(box) {
    this.box = box;
    this.markers = new Map();
    // SVG and not canvas: markers are elements, so that the theme's CSS and the keyboard reach them.
    this.map = L.map(box, {
      minZoom: 1, maxZoom: 18, zoomSnap: 0.5, worldCopyJump: false, attributionControl: false,
      maxBounds: [[-90, -200], [90, 200]], maxBoundsViscosity: 0.8,
      zoomAnimation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    }).setView([25, 10], 1.5);
    this.addTiles();
    this.addWorld();
    this.addDevices();
    document.addEventListener("senstation:uplink", ({ detail }) => this.hear(detail));
  }

  addTiles() {
    const { tiles, attribution } = this.box.dataset;
    if (!tiles) return;
    L.tileLayer(tiles, { maxZoom: 19, noWrap: true }).addTo(this.map);
    if (attribution) L.control.attribution({ prefix: false }).addAttribution(escaped(attribution)).addTo(this.map);
  }

  async addWorld() {
    const { world, tiles } = this.box.dataset;
    if (!world || tiles) return;
    try {
      const rings = await json(world);
      // One shape of all rings: a ring within a ring (the Caspian Sea) is then a hole.
      L.polygon(rings, { className: "map-land", interactive: false, fillRule: "evenodd", smoothFactor: 0.5, stroke: true, fillOpacity: 1, weight: 1 })
        .addTo(this.map).bringToBack();
    } catch (error) {
      console.warn(error); // Devices on an empty sea are still of use.
    }
  }

  async addDevices() {
    let devices;
    try {
      ({ devices } = await json(this.box.dataset.map));
    } catch (error) {
      console.warn(error);
      this.say(this.box.dataset.error || this.box.dataset.empty);
      return;
    }
    devices = devices.filter(({ latitude, longitude }) => Number.isFinite(latitude) && Number.isFinite(longitude));
    if (!devices.length) return this.say(this.box.dataset.empty);
    // Later ones are drawn on top: where markers overlap, trouble should be seen.
    devices.sort((a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state));
    devices.forEach((device) => this.addDevice(device, devices.length <= NAMED_MAX));
    this.addLegend();
    L.control.scale({ imperial: false, position: "bottomright" }).addTo(this.map);
    const bounds = L.latLngBounds(devices.map(({ latitude, longitude }) => [latitude, longitude]));
    this.map.fitBounds(bounds, {
      maxZoom: ZOOM_MAX_FIT, animate: false,
      // Names stand to the right of their devices.
      paddingTopLeft: [40, 40], paddingBottomRight: [devices.length <= NAMED_MAX ? 140 : 40, 60],
    });
  }

  addLegend() {
    const legend = L.control({ position: "bottomleft" });
    legend.onAdd = () => {
      const box = element("div", "map-legend");
      box.append(...STATES.map((state) => this.state({ state })));
      return box;
    };
    legend.addTo(this.map);
  }

  addDevice(device, isNamed) {
    const marker = L.circleMarker([device.latitude, device.longitude], { radius: 8, className: "map-device", fillOpacity: 1, weight: 2 });
    if (isNamed) {
      marker.bindTooltip(() => element("span", "", device.name), { permanent: true, direction: "right", offset: [8, 0], className: "map-name" });
    } else {
      marker.bindTooltip(() => this.label(device), { direction: "top", offset: [0, -6] });
    }
    marker.bindPopup(() => this.popup(device));
    marker.addTo(this.map);
    this.markers.set(device.eui, { device, marker });
    const path = marker.getElement();
    path.setAttribute("tabindex", "0");
    path.setAttribute("role", "button");
    path.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      marker.openPopup();
      marker.getPopup().getElement()?.querySelector("a[href]")?.focus();
    });
    path.addEventListener("focus", () => marker.openTooltip());
    path.addEventListener("blur", () => marker.closeTooltip());
    this.paint(device, path);
  }

  paint(device, path) {
    STATES.forEach((state) => path.classList.toggle(state, state === device.state));
    path.setAttribute("aria-label", `${device.name}, ${this.stateText(device)}`);
  }

  stateText({ state }) {
    const { textOnline, textLate, textSilent } = this.box.dataset;
    return { online: textOnline, late: textLate, silent: textSilent }[state] || state;
  }

  label(device) {
    const label = element("span", "", device.name);
    label.append(" ", this.state(device));
    return label;
  }

  state(device) {
    return element("span", `state ${STATES.includes(device.state) ? device.state : ""}`, this.stateText(device));
  }

  popup(device) {
    const box = element("div", "map-popup");
    const { textHeard, textFixed, textOpen } = this.box.dataset;
    const name = element("strong", "", device.name);
    box.append(name, element("span", "mono small muted", device.eui), this.state(device));
    if (device.heard) {
      const heard = element("span", "small muted", textHeard ? `${textHeard}: ` : "");
      const time = heard.appendChild(element("time"));
      time.dateTime = device.heard;
      time.dataset.heard = device.eui;
      time.dataset.age = ""; // app.js keeps it current.
      showAge(time);
      box.append(heard);
    }
    if (device.measured_at) {
      const fixed = element("span", "small muted", `${textFixed}: `);
      const time = fixed.appendChild(element("time"));
      time.dateTime = device.measured_at;
      time.dataset.age = "";
      showAge(time);
      box.append(fixed);
    }
    const link = element("a", "", textOpen || device.name);
    // Only a path of this station: an address from data must not become javascript:.
    link.href = new URL(device.url, location.origin).origin === location.origin ? device.url : "#";
    box.append(link);
    return box;
  }

  hear({ eui, state, received_at, readings }) {
    const found = this.markers.get(eui);
    if (!found) return;
    Object.assign(found.device, { state, heard: received_at });
    this.move(found, readings);
    this.paint(found.device, found.marker.getElement());
  }

  // To the newest place where it found itself; what it sends late was before that.
  move({ device, marker }, readings) {
    for (const east of readings.filter(({ measurement }) => measurement === LONGITUDE)) {
      const north = readings.find(({ measurement, channel, measured_at }) =>
        measurement === LATITUDE && channel === east.channel && measured_at === east.measured_at);
      const [longitude, latitude] = [Number(east.value), Number(north?.value)];
      if (!(Math.abs(longitude) <= 180 && Math.abs(latitude) <= 90)) continue;
      if (device.measured_at && Date.parse(device.measured_at) >= Date.parse(east.measured_at)) continue;
      Object.assign(device, { longitude, latitude, measured_at: east.measured_at });
      marker.setLatLng([latitude, longitude]);
    }
  }

  say(text) {
    if (!text) return;
    const note = element("p", "map-empty");
    note.append(element("span", "", text));
    this.box.append(note);
  }
}

for (const box of document.querySelectorAll(".map[data-map]")) new DeviceMap(box);
