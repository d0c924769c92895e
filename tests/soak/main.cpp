// Long runs of the real program against the scripted model.
//
//   muster_soak load [--minutes M]                         at full load: nothing grows, nothing is
//   left muster_soak kills [--minutes M] [--kills N] [--seed S]  killed N times: the same end all
//   the same

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "tests/soak/kills.hpp"
#include "tests/soak/soak.hpp"

int main(int argc, char** argv) {
  muster::soak::SoakOptions load;
  muster::soak::KillOptions kills;
  CLI::App app("Long runs of the real program against the scripted model");
  app.require_subcommand(1);
  auto* soak = app.add_subcommand("load", "Missions at full load: nothing grows, nothing is left");
  soak->add_option("--minutes", load.minutes, "How long, about")->check(CLI::Range(0.1, 1440.0));
  soak->add_flag("--keep", load.keep, "Keep the folder");
  auto* killed = app.add_subcommand("kills", "A mission that is killed comes to the same end");
  killed->add_option("--minutes", kills.minutes, "How long it would take undisturbed, about")
      ->check(CLI::Range(0.1, 1440.0));
  killed->add_option("--kills", kills.kills, "How often")->check(CLI::Range(1, 1000));
  killed->add_option("--seed", kills.seed, "Of when and whom");
  killed->add_flag("--keep", kills.keep, "Keep the folder");
  CLI11_PARSE(app, argc, argv);
  try {
    return (soak->parsed() ? muster::soak::soak(load) : muster::soak::survive_kills(kills)) ? 0 : 1;
  } catch (const std::exception& e) {
    std::printf("muster_soak: %s\n", e.what());
    return 1;
  }
}
