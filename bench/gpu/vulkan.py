"""Finds a Vulkan driver for the benchmark and says what its adapters are.

`python3 vulkan.py [--allow-software]` prints JSON lines: facts as results, and for run.py the environment that later
programs need and the adapter that they will find. `python3 vulkan.py --list` asks the Vulkan loader in this process, with
the environment as it is; a broken driver may end it. Only the standard library; Linux.
"""

from __future__ import annotations

import ctypes
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MANIFESTS = [
    "/etc/vulkan/icd.d",
    "/usr/local/etc/vulkan/icd.d",
    "/usr/share/vulkan/icd.d",
    "/usr/local/share/vulkan/icd.d",
    "/usr/local/nvidia/share/vulkan/icd.d",
    "/usr/local/nvidia/vulkan/icd.d",
    "/run/opengl-driver/share/vulkan/icd.d",
]
# What NVIDIA's driver calls the library; the first needs the X11 libraries, the second does not.
NVIDIA_LIBRARIES = ["libGLX_nvidia.so.0", "libEGL_nvidia.so.0"]
NVIDIA_FOLDERS = ["/usr/local/nvidia/lib64", "/usr/local/nvidia/lib", "/usr/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib"]
SOFTWARE_MANIFESTS = [
    "/usr/lib/chromium/vk_swiftshader_icd.json",
    "/usr/lib/chromium-browser/vk_swiftshader_icd.json",
    "/opt/google/chrome/vk_swiftshader_icd.json",
]
TYPES = {0: "other", 1: "integrated GPU", 2: "discrete GPU", 3: "virtual GPU", 4: "processor"}


def is_software(description: str, kind: str = "") -> bool:
    """Whether a processor plays the GPU, by what the adapter calls itself or says it is."""
    return kind == "processor" or bool(re.search(r"llvmpipe|lavapipe|swiftshader|software|microsoft basic render|\bcpu\b", description, re.I))


def emit(line: dict) -> None:
    print(json.dumps(line), flush=True)


# --- What the loader says -------------------------------------------------------------------------------------------


class ApplicationInfo(ctypes.Structure):
    _fields_ = [
        ("sType", ctypes.c_int),
        ("pNext", ctypes.c_void_p),
        ("pApplicationName", ctypes.c_char_p),
        ("applicationVersion", ctypes.c_uint32),
        ("pEngineName", ctypes.c_char_p),
        ("engineVersion", ctypes.c_uint32),
        ("apiVersion", ctypes.c_uint32),
    ]


class InstanceCreateInfo(ctypes.Structure):
    _fields_ = [
        ("sType", ctypes.c_int),
        ("pNext", ctypes.c_void_p),
        ("flags", ctypes.c_uint32),
        ("pApplicationInfo", ctypes.POINTER(ApplicationInfo)),
        ("enabledLayerCount", ctypes.c_uint32),
        ("ppEnabledLayerNames", ctypes.c_void_p),
        ("enabledExtensionCount", ctypes.c_uint32),
        ("ppEnabledExtensionNames", ctypes.c_void_p),
    ]


class Chained(ctypes.Structure):
    """Any structure that Vulkan fills in: its type, the next one, and room that is read by offset."""

    _fields_ = [("sType", ctypes.c_int), ("pNext", ctypes.c_void_p), ("data", ctypes.c_uint8 * 2048)]

    def word(self, offset: int) -> int:
        return int.from_bytes(bytes(self.data[offset : offset + 4]), "little")

    def long(self, offset: int) -> int:
        return int.from_bytes(bytes(self.data[offset : offset + 8]), "little")


PROPERTIES_2, FEATURES_2, MEMORY_2 = 1000059001, 1000059000, 1000059006
SUBGROUPS, DRIVER, FLOAT16 = 1000094000, 1000196000, 1000082000
# Offsets in VkPhysicalDeviceLimits of the limits that decide what WebGPU may offer.
LIMITS = {
    "maxStorageBufferRange": 28,
    "maxPerStageDescriptorStorageBuffers": 76,
    "maxComputeSharedMemorySize": 216,
    "maxComputeWorkGroupInvocations": 232,
}
LIMITS_AT = 4 * 5 + 256 + 16 + 4  # after versions, ids, name and cache id, to a multiple of 8


def text(data: bytes) -> str:
    return data.split(b"\0", 1)[0].decode("utf-8", "replace")


def list_adapters() -> list:
    loader = ctypes.CDLL("libvulkan.so.1")
    application = ApplicationInfo(0, None, b"retriever-studio benchmark", 1, None, 0, (1 << 22) | (1 << 12))
    info = InstanceCreateInfo(1, None, 0, ctypes.pointer(application), 0, None, 0, None)
    instance = ctypes.c_void_p()
    code = loader.vkCreateInstance(ctypes.byref(info), None, ctypes.byref(instance))
    if code != 0:
        raise RuntimeError("vkCreateInstance failed with code %d%s" % (code, " (no driver works)" if code == -9 else ""))
    count = ctypes.c_uint32()
    loader.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), None)
    devices = (ctypes.c_void_p * max(1, count.value))()
    loader.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), devices)
    found = []
    for device in devices[: count.value]:
        driver, subgroups, properties = Chained(DRIVER), Chained(SUBGROUPS), Chained(PROPERTIES_2)
        subgroups.pNext, properties.pNext = ctypes.addressof(driver), ctypes.addressof(subgroups)
        loader.vkGetPhysicalDeviceProperties2(ctypes.c_void_p(device), ctypes.byref(properties))
        float16, features = Chained(FLOAT16), Chained(FEATURES_2)
        features.pNext = ctypes.addressof(float16)
        loader.vkGetPhysicalDeviceFeatures2(ctypes.c_void_p(device), ctypes.byref(features))
        memory = Chained(MEMORY_2)
        loader.vkGetPhysicalDeviceMemoryProperties2(ctypes.c_void_p(device), ctypes.byref(memory))
        # 32 memory types of 8 bytes after their count, then the heaps: size, flags (1: the device's own).
        heaps = memory.word(4 + 32 * 8)
        at = 4 + 32 * 8 + 4
        own = [memory.long(at + 16 * i) for i in range(heaps) if memory.word(at + 16 * i + 8) & 1]
        found.append(
            {
                "description": text(bytes(properties.data[20:276])),
                "type": TYPES.get(properties.word(16), "other"),
                "driver": (text(bytes(driver.data[4:260])) + " " + text(bytes(driver.data[260:516]))).strip(),
                "f16": bool(float16.word(0)),
                "subgroupSize": subgroups.word(0),
                "memoryBytes": max(own, default=0),
                "limits": {name: properties.word(LIMITS_AT + offset) for name, offset in LIMITS.items()},
            }
        )
    return found


# --- Which environment makes it work --------------------------------------------------------------------------------


def loads(library: str, environment: dict) -> bool:
    program = "import ctypes, sys; ctypes.CDLL(sys.argv[1])"
    return subprocess.run([sys.executable, "-c", program, library], env=environment, stderr=subprocess.DEVNULL).returncode == 0


def with_libraries(environment: dict) -> dict:
    """Adds the archive's libraries where the machine lacks them."""
    for library, folder in [("libstdc++.so.6", "cxx"), ("libvulkan.so.1", "vulkan")]:
        bundled = os.path.join(HERE, "lib", folder)
        if os.path.isdir(bundled) and not loads(library, environment):
            folders = [bundled, environment.get("LD_LIBRARY_PATH", "")]
            environment = {**environment, "LD_LIBRARY_PATH": ":".join(path for path in folders if path)}
    return environment


def through(manifest: str) -> dict:
    return {"VK_DRIVER_FILES": manifest, "VK_ICD_FILENAMES": manifest}


def own_manifest(library: str) -> str:
    path = os.path.join(tempfile.mkdtemp(prefix="vulkan-"), "nvidia_icd.json")
    with open(path, "w") as file:
        json.dump({"file_format_version": "1.0.0", "ICD": {"library_path": library, "api_version": "1.3.0"}}, file)
    return path


def candidates(allow_software: bool):
    """Environments to try, each with what it is: the machine's own set-up first."""
    yield "the machine’s own Vulkan drivers", {}
    for folder in MANIFESTS:
        for manifest in sorted(glob.glob(os.path.join(folder, "*nvidia*.json"))):
            yield manifest, through(manifest)
    for library in NVIDIA_LIBRARIES:
        files = [path for path in (os.path.join(folder, library) for folder in NVIDIA_FOLDERS) if os.path.exists(path)]
        for path in files[:1]:
            # The libraries that it needs lie beside it.
            folders = [os.path.dirname(path), os.environ.get("LD_LIBRARY_PATH", "")]
            beside = {"LD_LIBRARY_PATH": ":".join(folder for folder in folders if folder)}
            yield "a manifest of ours for " + path, {**through(own_manifest(path)), **beside}
    if allow_software:
        for manifest in SOFTWARE_MANIFESTS:
            if os.path.exists(manifest):
                yield manifest, through(manifest)


def ask(environment: dict):
    """Adapters that the loader lists with an environment, or why it lists none."""
    command = [sys.executable, os.path.abspath(__file__), "--list"]
    try:
        # The loader then says which library it could not load.
        run = subprocess.run(command, env={"VK_LOADER_DEBUG": "error", **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=8, universal_newlines=True)
    except subprocess.TimeoutExpired:
        return [], "the Vulkan loader did not answer in 8 s"
    if run.returncode != 0:
        lines = [line.strip() for line in run.stderr.splitlines() if line.strip()]
        said = [line for line in lines if line.startswith("ERROR")][:1] + lines[-1:]
        return [], ", ".join(said) if said else "it ended with code %d" % run.returncode
    return json.loads(run.stdout), "it lists no adapter"


def find(allow_software: bool) -> None:
    base = with_libraries({"XDG_RUNTIME_DIR": tempfile.gettempdir(), **os.environ})
    reasons = []
    software = None
    for name, more in candidates(allow_software):
        environment = with_libraries({**base, **more})
        adapters, reason = ask(environment)
        hardware = [adapter for adapter in adapters if not is_software(adapter["description"], adapter["type"])]
        if hardware:
            tell(name, environment, hardware[0])
            return
        if adapters and software is None:
            software = (name, environment, adapters[0])
        reasons.append(name + ": " + ("software only" if adapters else reason))
    if software is not None:
        tell(*software)
        return
    emit({"environment": changes(base)})
    emit({"what": "Vulkan adapter", "on": "Vulkan", "failed": "; ".join(reasons)})


def changes(environment: dict) -> dict:
    return {name: value for name, value in environment.items() if os.environ.get(name) != value}


def tell(name: str, environment: dict, adapter: dict) -> None:
    emit({"environment": changes(environment)})
    emit({"adapter": {"description": adapter["description"], "type": adapter["type"]}})
    limits = ", ".join("%s %d" % pair for pair in adapter["limits"].items())
    for what, value, note in [
        ("Vulkan adapter", adapter["description"] + ", " + adapter["type"], "through " + name),
        ("driver", adapter["driver"], ""),
        ("memory of the adapter", round(adapter["memoryBytes"] / 2**20), ""),
        ("f16 in shaders", "yes" if adapter["f16"] else "no", ""),
        ("subgroup size", adapter["subgroupSize"], ""),
        ("limits", limits, ""),
    ]:
        emit({"what": what, "on": "Vulkan", "value": value, **({"note": note} if note else {}), **({"unit": "MiB"} if "memory" in what else {})})


def nvidia_smi() -> None:
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        run = subprocess.run(query, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=5, universal_newlines=True)
        answer = run.stdout.strip().replace("\n", "; ") if run.returncode == 0 else None
        reason = (run.stderr or run.stdout).strip().replace("\n", " ")[:200] or "it ended with code %d" % run.returncode
    except (OSError, subprocess.TimeoutExpired) as error:
        answer, reason = None, str(error)
    emit({"what": "nvidia-smi", "on": "NVIDIA driver", **({"value": answer} if answer else {"skipped": reason})})


if __name__ == "__main__":
    if "--list" in sys.argv:
        print(json.dumps(list_adapters()))
    else:
        nvidia_smi()
        find("--allow-software" in sys.argv)
