// Commands that reach beyond files: privilege, power, services, processes, other machines.

#include <map>

#include "runtime/core/command_checker.hpp"

namespace muster::policy {
namespace {

struct Family {
  std::string_view rule;
  std::string_view reason;
  bool ask;
  std::vector<std::string_view> commands;
};

const std::vector<Family>& families() {
  static const std::vector<Family> table{
      {"privilege", "agents run with the rights they have", false,
       names("sudo su doas pkexec runuser sudoedit visudo gosu su-exec chroot nsenter unshare "
             "setpriv capsh "
             "newgrp sg login passwd chpasswd useradd userdel usermod adduser deluser groupadd "
             "groupdel groupmod "
             "addgroup chsh chfn")},
      {"power", "the machine stays on", false,
       names("shutdown reboot halt poweroff init telinit systemctl service rc-service loginctl "
             "systemd-run "
             "launchctl initctl kexec pm-suspend rtcwake")},
      {"schedule", "nothing of an agent's outlives its task; use run_background", false,
       names("crontab at batch atrm anacron tmux screen dtach abduco")},
      {"device", "disks and the kernel are not for agents", false,
       names("wipefs fdisk sfdisk cfdisk gdisk sgdisk parted mkswap swapon swapoff blkdiscard "
             "losetup mount umount "
             "cryptsetup lvremove vgremove pvremove lvcreate mdadm hdparm nvme modprobe insmod "
             "rmmod sysctl "
             "fsck e2fsck tune2fs resize2fs debugfs badblocks partprobe dmsetup zpool zfs btrfs")},
      {"network", "the machine's network is not for agents", false,
       names("iptables ip6tables nft ufw firewall-cmd ifconfig route tc brctl nmcli tcpdump nmap")},
      {"network", "connections to other machines need permission", true,
       names("ssh scp sftp nc ncat netcat socat telnet ftp rsh rlogin ssh-copy-id mosh")},
      {"credentials", "keys and passwords are not for agents", false,
       names("ssh-keygen ssh-add ssh-agent gpg gpg2 secret-tool security pass op vault keyctl "
             "history fc last lastb")},
      {"kill", "this may end what is not yours; use kill_background or the id of your own job",
       false, names("pkill killall killall5 skill slay xkill fuser")},
      {"containers", "containers need permission: they have the machine's rights", true,
       names("docker podman nerdctl ctr crictl kubectl helm minikube kind docker-compose "
             "podman-compose lxc "
             "lxc-attach machinectl vagrant buildah")},
      {"packages", "installing on the machine needs permission; use the project's own dependencies",
       true,
       names("apt apt-get aptitude dpkg yum dnf rpm zypper apk pacman brew snap flatpak port "
             "nix-env emerge")},
      {"publish", "publishing needs a person", true,
       names("gh hub glab twine aws gcloud az heroku vercel netlify fly flyctl "
             "wrangler terraform tofu pulumi ansible ansible-playbook")},
      {"interactive", "it needs a terminal; use the file tools", true,
       names("vim vi nvim view ex vimdiff emacs nano pico joe expect dialog whiptail")},
      {"environment", "it changes what later commands mean", false,
       names("bind complete compgen enable hash")},
      {"engine", "the engine's own commands are the user's", false, names("muster opencode")},
  };
  return table;
}

/// Settings of tools that lie in the user's home.
Objection check_settings(const std::string& name, const Words& words) {
  const auto has = [&](std::size_t at, std::initializer_list<std::string_view> wanted) {
    return words.size() > at && one_of(words[at].text, wanted);
  };
  const bool package_config =
      one_of(name,
             {"npm", "pnpm", "yarn", "pip", "pip3", "poetry", "conda", "composer", "bundle"}) &&
      has(1, {"config", "set", "c"}) && !has(2, {"get", "list", "ls", "debug"}) && words.size() > 2;
  const bool go_env =
      name == "go" && has(1, {"env"}) && (has(2, {"-w", "-u"}) || has(3, {"-w", "-u"}));
  if (!package_config && !go_env) return std::nullopt;
  return deny("environment",
              "these settings are the user's; pass options or use the project's own files",
              words[0]);
}

Objection check_kill(const Words& words) {
  const auto refuse = [](const ShellWord& word) {
    return deny(
        "kill",
        "'" + word.text + "' may be a process that is not yours; use kill_background or %job",
        word);
  };
  bool signal_seen = false;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const auto& word = words[i];
    if (one_of(word.text, {"-l", "-L", "--list"})) return std::nullopt;
    if (one_of(word.text, {"-s", "-n", "--signal"})) {
      signal_seen = true;
      ++i;
      continue;
    }
    if (word.text == "--") {
      signal_seen = true;
      continue;
    }
    if (word.text == "-0") return std::nullopt;  // only asks whether it lives
    if (word.text.starts_with('-') && !signal_seen && i == 1 && words.size() > 2) {
      signal_seen = true;
      continue;
    }
    if (word.dynamic) {
      // "-$PID" is a process group; what a search finds may be anybody's.
      const bool searched = word.text.find("pgrep") != std::string::npos ||
                            word.text.find("pidof") != std::string::npos ||
                            word.text.find("lsof") != std::string::npos ||
                            word.text.find("ps ") != std::string::npos;
      if (word.text.starts_with('-') || searched) return refuse(word);
      continue;
    }
    if (!word.text.starts_with('%')) return refuse(word);
  }
  return std::nullopt;
}

/// Package managers of projects: installing for the machine, publishing and logging in are not
/// theirs.
Objection check_packages(const std::string& name, const Words& words) {
  static const auto managers = names("npm pnpm yarn bun cargo gem pip pip3 uv poetry");
  if (!one_of(name, managers)) return std::nullopt;
  static const auto published = names(
      "publish unpublish deprecate owner token login logout adduser dist-tag yank push access "
      "signin");
  const bool looks_only =
      words.size() > 1 && one_of(words[1].text, {"run", "test", "run-script", "exec", "t"});
  for (std::size_t i = 1; i < words.size() && !looks_only; ++i) {
    if (i == 1 && one_of(words[i].text, published))
      return deny("publish", "'" + name + " " + words[i].text + "' reaches beyond the workspace",
                  words[i]);
    const bool global = one_of(words[i].text, {"-g", "--global", "--location=global"}) &&
                        !one_of(name, {"cargo", "gem"});
    if (global || words[i].text == "--break-system-packages")
      return ask("packages", "installing for the whole machine needs permission", words[i]);
  }
  return std::nullopt;
}

/// "make install" and "cmake --install" write to the system unless told otherwise.
Objection check_install(const std::string& name, const Words& words) {
  const bool make = one_of(name, {"make", "gmake", "ninja"});
  if (!make && name != "cmake") return std::nullopt;
  bool installs = false, placed = false;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string_view text = words[i].text;
    installs = installs || (make && one_of(text, {"install", "uninstall", "install-strip"})) ||
               (name == "cmake" && text == "--install");
    placed = placed || text.starts_with("DESTDIR=") || text.starts_with("PREFIX=") ||
             text.starts_with("prefix=") || text.starts_with("--prefix");
  }
  if (installs && !placed)
    return ask(
        "packages",
        "installing for the machine needs permission; give DESTDIR or a prefix in the workspace");
  return std::nullopt;
}

}  // namespace

Objection check_system(Checker& checker, const std::string& name, const Words& words) {
  (void)checker;
  // "docker --version" and the like only say what is there.
  const bool version_only =
      words.size() == 2 && one_of(words[1].text, {"--version", "-V", "--help", "-h", "version"});
  if (name.starts_with("mkfs") || name.starts_with("mke2fs"))
    return deny("device", "disks and the kernel are not for agents", words[0]);
  for (const auto& family : families()) {
    if (!one_of(name, family.commands) || version_only) continue;
    const auto reason = "'" + name + "': " + std::string(family.reason);
    return family.ask ? ask(family.rule, reason, words[0]) : deny(family.rule, reason, words[0]);
  }
  if (name == "kill") return check_kill(words);
  if (auto objection = check_settings(name, words)) return objection;
  if (auto objection = check_packages(name, words)) return objection;
  return check_install(name, words);
}

}  // namespace muster::policy
