/** Declarations for compiling and testing, never shipped: templates of new connections. See {@code com.pingidentity.provisioner.sdk}. */
package com.pingidentity.templates.connection;
