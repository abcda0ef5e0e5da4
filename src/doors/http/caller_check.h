// Keeps web pages out: a browser on this machine reaches loopback too, whatever page it shows.
//
// A page's script names its page in Origin; a page that made its own name point here (DNS rebinding) has that
// name in Host. Programs send no Origin, and localhost or an address as Host.
// Threads: pure functions.
// Fails: kDenied says which header, and what it may be.
#pragma once

#include <span>
#include <string>

#include "base/error.h"
#include "doors/http/server.h"

namespace tarn::http {

Status check_caller(const Request& request, std::span<const std::string> host_names, bool any_host = false);

}  // namespace tarn::http
