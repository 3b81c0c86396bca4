package org.pfscim.host.fake;

import com.pingidentity.provisioner.sdk.SaasPluginException;
import com.pingidentity.provisioner.sdk.SaasPluginFieldInfo;
import java.util.Collections;
import java.util.List;

/** A plugin that lists no fields before its parameters are set. */
public class LateFieldsPlugin extends FakePlugin {
    private static final long serialVersionUID = 1L;

    @Override
    public List<SaasPluginFieldInfo> getFieldInfo() throws SaasPluginException {
        return _parameters == null ? Collections.<SaasPluginFieldInfo>emptyList() : super.getFieldInfo();
    }
}
